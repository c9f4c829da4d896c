"""Objects of buckets, each fetched once into the home and held there by what it was listed as.

    <folder>/<hash of who fetched it, bucket, name, size, ETag, version>/<SHA-256 of its bytes><suffix>

Nothing in it has a name that came from outside. Belongs here: fetching, finding and checking them, by several
runs at once. Does not: asking a bucket (`bucket.py`).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Final

from orchestration.foundations.durable import sync
from orchestration.ingest.bucket import Bucket, Listed, listed_at
from orchestration.ingest.discovery import FoundFile, Identity, Inventory, RefusedEntry
from orchestration.ingest.file_cache import begun_entry, drop
from orchestration.ingest.quarantine import FileFault

_AT_ONCE: Final = 8


@dataclass(frozen=True)
class AtHand:
    """An inventory whose files lie on this machine, and what is known of them.

    `own` has the hashes, by path, of those that were just fetched; `differing` names those whose bytes
    were others when they were fetched `anew`.
    """

    inventory: Inventory
    own: Mapping[str, str]
    differing: tuple[str, ...]


@dataclass(frozen=True)
class Fetched:
    """The objects below a folder of this machine that one person has fetched.

    Nobody takes on what another one fetched: that one may have had something else answer for the bucket.
    """

    folder: Path
    by: str = ""

    def at_hand(
        self,
        bucket: Bucket,
        listing: Mapping[str, Listed],
        inventory: Inventory,
        *,
        anew: bool = False,
    ) -> AtHand:
        """The inventory of a listing, each file fetched if it is not here, or if all are to be fetched `anew`.

        An object that cannot be read is a refused entry. NotReachable if the bucket does not answer.
        """
        own: dict[str, str] = {}
        differing: list[str] = []

        def take(entry: FoundFile | RefusedEntry) -> FoundFile | RefusedEntry:
            if isinstance(entry, RefusedEntry):
                return entry
            listed = listed_at(listing, entry.path)
            try:
                path, is_fetched, is_other = self._held(bucket, listed, entry.format.value, anew)
            except FileFault as fault:
                return RefusedEntry(
                    entry.dataset, entry.order, entry.name, fault.reason, fault.detail,
                    listed.size_bytes,
                )  # fmt: skip
            if is_fetched:
                own[str(path)] = hash_in(path)
            if is_other:
                differing.append(entry.name)
            return replace(entry, path=str(path), identity=Identity.of(path.stat()))

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            entries = tuple(pool.map(take, inventory.entries))
        return AtHand(replace(inventory, entries=entries), own, tuple(sorted(differing)))

    def _held(
        self, bucket: Bucket, listed: Listed, suffix: str, anew: bool
    ) -> tuple[Path, bool, bool]:
        """The file of an object; whether it was fetched now, and whether it has other bytes than it had."""
        key = hashlib.sha256(
            json.dumps([self.by, *bucket.identity_of(listed)]).encode()
        ).hexdigest()
        entry = self.folder / key
        held = _file_in(entry, listed.size_bytes)
        if held and not anew:
            with suppress(OSError):
                os.utime(entry)  # used now
            return held, False, False
        begun = begun_entry(self.folder)
        try:
            begun.mkdir(mode=0o700, parents=True)
            fetched = _fetch(begun, suffix, lambda file: bucket.read(listed, file))
            if held and held.name == fetched.name:
                return held, False, False
            if entry.exists():
                drop(entry)
            with suppress(OSError):  # a run beside this one has been faster
                os.rename(begun, entry)
            placed = _file_in(entry, listed.size_bytes)
            if placed is None:
                raise FileNotFoundError(
                    f"{entry} cannot be made; is somebody deleting files there?"
                )
            return placed, placed.name == fetched.name, held is not None
        finally:
            shutil.rmtree(begun, ignore_errors=True)


def hash_in(path: Path) -> str:
    """The SHA-256 that a fetched file had when it was fetched: its name, without the suffix."""
    return path.name.partition(".")[0]


def _file_in(entry: Path, size_bytes: int) -> Path | None:
    with suppress(OSError):
        for path in entry.iterdir():
            if path.stat().st_size == size_bytes:
                return path
    return None


def _fetch(folder: Path, suffix: str, read: Callable[[BinaryIO], None]) -> Path:
    whole = folder / "object"
    with whole.open("wb") as file:
        read(file)
    with whole.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    sync(whole)
    path = folder / f"{sha256}{suffix}"
    whole.rename(path)
    sync(folder)
    return path
