"""Where landing files lie: a folder of this machine, or a bucket. Told once; nobody else asks which.

Belongs here: looking at a place, and having its files at hand. Does not: what is in a file, nor what a
change of one does to a run.
"""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from errno import ETIMEDOUT
from pathlib import Path
from typing import Final

from orchestration.foundations.files import make_file
from orchestration.ingest.bucket import Bucket, Listed, NotReachable, discover_listing, listed_at
from orchestration.ingest.discovery import FoundFile, Inventory, discover
from orchestration.ingest.fetched import Fetched, hash_in
from orchestration.ingest.file_cache import drop
from orchestration.ingest.fingerprint import (
    FileFingerprint,
    Hashed,
    fingerprints_of,
    hash_landing,
)

Landing = Path | Bucket

PATIENCE_SECONDS: Final = 10

_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def landing_at(text: str) -> Landing:
    """The place of that name: an address has a scheme, all else is a folder. NoBucket for no good address."""
    return Bucket.of(text) if _ADDRESS.match(text) else Path(text)


def is_there(landing: Landing) -> bool:
    """False of a folder that is not there; a bucket is not asked."""
    return isinstance(landing, Bucket) or landing.is_dir()


def why_unreadable(landing: Landing) -> str | None:
    """Why what lies there cannot be listed; None if it can."""
    if isinstance(landing, Bucket):
        try:
            landing.demand_objects()
        except NotReachable as error:
            return str(error)
    elif not landing.is_dir():
        return f"{landing} is no directory; --landing takes the folder that holds the datasets"
    elif not os.access(landing, os.R_OK | os.X_OK):
        return f"{landing} cannot be read; check its permissions"
    return None


def look_at(landing: Landing, hashes: Path) -> list[FileFingerprint]:
    """The fingerprints of what lies there now; sorted. OSError if it cannot be looked at.

    A file of a folder is hashed, unless the file `hashes` has its hash. An object goes by what the bucket
    lists it by; none is fetched.
    """
    if isinstance(landing, Bucket):
        return _fingerprints(landing.listing())
    return hash_landing(discover(landing), hashes).files


def take(
    landing: Landing,
    hashes: Path,
    objects: Path,
    tell: Callable[[str], None],
    *,
    by: str = "",
    anew: bool = False,
) -> tuple[Inventory, Hashed]:
    """All that lies there, at hand to be read, and its fingerprints; listed once.

    Objects that the person `by` has not in the folder `objects` are fetched into it. With `anew` all files are
    hashed, and all objects fetched, also those that look as they did. OSError if the place cannot be looked at.
    """
    if isinstance(landing, Bucket):
        return _take_bucket(landing, hashes, Fetched(objects, by), tell, anew=anew)
    inventory = discover(landing)
    return inventory, hash_landing(inventory, hashes, anew=anew)


def files_at(landing: Landing, scratch: Path, datasets: Collection[str] | None = None) -> Inventory:
    """The files of these datasets (None: all files), at hand to be read once.

    Objects are fetched into the scratch folder.
    """
    if not isinstance(landing, Bucket):
        inventory = discover(landing)
        return inventory if datasets is None else inventory.only(datasets)
    listing = landing.listing()
    inventory = discover_listing(listing)
    if datasets is not None:
        inventory = inventory.only(datasets)
    return Fetched(scratch).at_hand(landing, listing, inventory).inventory


def deliver(landing: Landing, name: str, content: bytes) -> Path | str:
    """Puts a file there in one step, unless it is there: then that one stays. Gives where it is.

    `name` is relative, and in a folder that is there or directly below the place.
    """
    if isinstance(landing, Bucket):
        return landing.put(name, content)
    path = landing / name
    path.parent.mkdir(exist_ok=True)
    make_file(path, content)
    return path


@contextmanager
def held(landing: Landing, dataset: str) -> Iterator[None]:
    """Keeps others who ask for it from a dataset's folder, which is made; TimeoutError if they keep it for long.

    Nobody can hold a folder of a bucket. The folder itself is locked: a file more would be none of the dataset.
    """
    if isinstance(landing, Bucket):
        yield
        return
    folder = landing / dataset
    folder.mkdir(exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _lock(descriptor)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > until:
                raise TimeoutError(ETIMEDOUT, "another process writes there, try again") from None
        time.sleep(0.1)


def _fingerprints(listing: Mapping[str, Listed]) -> list[FileFingerprint]:
    return fingerprints_of(
        discover_listing(listing), lambda file: listed_at(listing, file.path).content
    )


def _take_bucket(
    bucket: Bucket, hashes: Path, fetched: Fetched, tell: Callable[[str], None], *, anew: bool
) -> tuple[Inventory, Hashed]:
    listing = bucket.listing()
    listed = discover_listing(listing)
    at_hand = fetched.at_hand(bucket, listing, listed, anew=anew)
    hashed = hash_landing(at_hand.inventory, hashes, anew=anew, own=at_hand.own)
    if damaged := _damaged(at_hand.inventory, hashed):
        for path in damaged:
            tell(f"{path} is damaged; the object is fetched anew")
            drop(path.parent)
        at_hand = fetched.at_hand(bucket, listing, listed)
        hashed = hash_landing(at_hand.inventory, hashes, own=at_hand.own)
    if at_hand.own:
        size = sum(Path(path).stat().st_size for path in at_hand.own)
        tell(f"{len(at_hand.own):,} objects fetched, {size:,} bytes")
    return at_hand.inventory, Hashed(_fingerprints(listing), hashed.contents, at_hand.differing)


def _damaged(inventory: Inventory, hashed: Hashed) -> list[Path]:
    """The files whose bytes are not those that were fetched."""
    found = {file.path: file.sha256 for file in hashed.files}
    return [
        path
        for entry in inventory.entries
        if isinstance(entry, FoundFile)
        and (path := Path(entry.path))
        and found[entry.name] != hash_in(path)
    ]
