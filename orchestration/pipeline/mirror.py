"""A mirror in a bucket of all that a program has published (§9), for readers who do not reach the home.

    <prefix>/program=P/files/<SHA-256 of its bytes>.parquet   a file of a version; its bytes never change
    <prefix>/program=P/manifest.json                          names the files of every period

A bucket has no rename that is atomic, so the manifest is the switch: it is replaced in one request, after all
that it names is there. Whoever reads it first, and then the objects that it names, sees one generation whole.
Objects of the generation before stay until the next one is shown, for readers who are in the middle of it.

Belongs here: bringing a mirror up to date, and comparing it with the home. Does not: when that is done. Nothing
of the product reads a mirror for anything else, so no amount follows from what lies there.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

from filelock import FileLock

from orchestration.foundations.durable import make_folder
from orchestration.foundations.files import make_file
from orchestration.foundations.texts import LONGEST_NAME, shown
from orchestration.ingest.bucket import PART_BYTES, Bucket, Listed, NoBucket
from orchestration.ingest.landing_place import Landing
from orchestration.ingest.quarantine import FileFault
from orchestration.pipeline.home import Home
from orchestration.pipeline.refusals import Refused
from orchestration.publishing.integrity import recorded_hashes
from orchestration.publishing.store import SEAL_FILE, Publication
from orchestration.records import (
    SCHEMA_NUMBER,
    Manifest,
    MirroredFile,
    MirroredPeriod,
    Unreadable,
)

MANIFEST: Final = "manifest.json"
VARIABLE: Final = "BONUS_MIRROR"

_OBJECT: Final = re.compile(r"files/[0-9a-f]{64}\.[a-z]+")


@dataclass(frozen=True, slots=True)
class Mirrored:
    """The outcome: objects and bytes that were sent, objects that were deleted, and what is shown now."""

    address: str
    generation: int
    periods: int
    sent: int
    sent_bytes: int
    deleted: int


def mirror_of(environment: Mapping[str, str]) -> Bucket | None:
    """The bucket that BONUS_MIRROR names, None if it names none; NoBucket, naming the variable, for no good address."""
    said = environment.get(VARIABLE)
    if not said:
        return None
    try:
        return Bucket.of(said)
    except NoBucket as error:
        raise NoBucket(f"{VARIABLE}: {error}") from None


def mirror(
    home: Home,
    program: str,
    to: Bucket,
    tell: Callable[[str], None] = lambda _: None,
    *,
    landing: Landing | None = None,
) -> Mirrored:
    """Brings the mirror of a program below `to` up to what is published now.

    Only files that are not there yet are sent. A crash at any instant leaves the mirror as it was, or as it
    is to be; doing it again completes it. Refused where another home's mirror lies there, one that is ahead of
    this home, or one that has closed otherwise, where deliveries lie (of a program of this home, or at
    `landing`), and where a file is not as its run has left it. NotReachable if the bucket does not answer.
    """
    landings = [landing, *(known.landing for known in home.registrations().values())]
    for each in landings:
        if isinstance(each, Bucket) and _overlap(each, to):
            raise Refused(
                f"{to} and the landing place {each} lie in each other: a mirror would be read as deliveries."
                " Name another prefix"
            )
    place = _below(to, program)
    with _alone(home, program):
        while True:
            try:
                return _bring(home, program, place, tell)
            except _Overtaken:
                tell("mirror: a run has published meanwhile; from the start")


class _Overtaken(Exception):
    """Files of the generation that is being sent are gone, since newer ones were published."""


def _bring(home: Home, program: str, place: Bucket, tell: Callable[[str], None]) -> Mirrored:
    there = place.objects()
    shown_now, content = _manifest(place, there)
    wanted, files = _wanted(home, program)
    _demand_own(place, shown_now, wanted)
    objects = wanted.objects
    missing = {
        name: file
        for name, file in objects.items()
        if name not in there or there[name].size_bytes != file.size_bytes
    }
    for number, (name, file) in enumerate(sorted(missing.items()), start=1):
        tell(f"mirror: file {number:,} of {len(missing):,}, {file.size_bytes:,} bytes")
        try:
            place.send(name, _parts(files[name], file.sha256))
        except FileNotFoundError:
            if home.store(program).generation() != wanted.generation:
                raise _Overtaken from None
            raise _missing(files[name]) from None
    written = wanted.content()
    is_new = content != written
    if is_new and not place.replace(MANIFEST, written, there.get(MANIFEST)):
        raise Refused(
            f"{place}/{MANIFEST} was changed by somebody else meanwhile; it stays as it is. Look who"
            " writes there, then run bonus mirror again"
        )
    kept = objects.keys() | (shown_now.objects.keys() if shown_now else set())
    left = [name for name in there if _OBJECT.fullmatch(name) and name not in kept]
    if left and is_new:
        place.delete(left)
    return Mirrored(
        address=str(place),
        generation=wanted.generation,
        periods=len(wanted.published),
        sent=len(missing),
        sent_bytes=sum(file.size_bytes for file in missing.values()),
        deleted=len(left) if is_new else 0,
    )


def differences(
    home: Home, program: str, at: Bucket, tell: Callable[[str], None] = lambda _: None
) -> list[str]:
    """Everything in which a mirror is not what is published: every object is fetched and hashed.

    NotReachable if the bucket does not answer.
    """
    place = _below(at, program)
    with _alone(home, program):
        there = place.objects()
        wanted, _ = _wanted(home, program)
        try:
            found_there, content = _manifest(place, there)
            _demand_own(place, found_there, wanted)
        except Refused as error:
            return [str(error)]
        if found_there is None:
            return [f"{place} has no {MANIFEST}; bonus mirror makes it"]
        found = list(_told_apart(place, found_there, wanted))
        if not found and content != wanted.content():
            # Other readers may understand it otherwise: a key may stand there twice.
            found.append(
                f"{place}/{MANIFEST} is not as it was written; bonus mirror writes it anew"
            )
        objects = found_there.objects
        for number, (name, file) in enumerate(sorted(objects.items()), start=1):
            tell(f"mirror: file {number:,} of {len(objects):,} is read")
            if (fault := _object_fault(place, there.get(name), file)) is not None:
                found.append(f"{place}/{shown(name, LONGEST_NAME)} {fault}")
    return found


def _below(bucket: Bucket, program: str) -> Bucket:
    return bucket.below(f"program={program}")


def _overlap(one: Bucket, other: Bucket) -> bool:
    if (one.scheme, one.bucket) != (other.scheme, other.bucket):
        return False
    first, second = (f"{bucket.prefix}/".lstrip("/") for bucket in (one, other))
    return first.startswith(second) or second.startswith(first)


@contextmanager
def _alone(home: Home, program: str) -> Iterator[None]:
    """Holds the mirrors of a program against other processes of this home; runs go on meanwhile."""
    folder = home.path / "locks"
    make_folder(folder, home.path)
    with FileLock(folder / f".mirror.{program}.lock"):
        yield


def _identity(home: Home, program: str) -> str:
    """The name by which this home knows its own mirrors, made once."""
    file = home.path / "mirrors" / f"program={program}"
    make_folder(file.parent, home.path)
    if not file.exists():
        make_file(file, uuid4().hex.encode())
    return file.read_text(encoding="ascii")


def _manifest(place: Bucket, there: Mapping[str, Listed]) -> tuple[Manifest | None, bytes | None]:
    """The manifest of a mirror and its bytes, None if there is none; Refused if it cannot be read."""
    listed = there.get(MANIFEST)
    if listed is None:
        return None, None
    try:
        content = place.content(listed)
        return Manifest.read(content), content
    except (Unreadable, FileFault) as error:
        raise Refused(
            f"{place}/{MANIFEST} cannot be read ({shown(str(error))}). If the mirror is this home's, delete that"
            " object, then run bonus mirror again"
        ) from None


def _demand_own(place: Bucket, found: Manifest | None, wanted: Manifest) -> None:
    if found is None:
        return
    if found.home != wanted.home:
        raise Refused(
            f"{place} is the mirror of another home; it stays as it is. Name another prefix, or delete"
            f" {MANIFEST} there if that home is given up"
        )
    if found.generation > wanted.generation:
        raise Refused(
            f"{place} shows generation {found.generation}, and this home has come to {wanted.generation} only;"
            " the mirror stays as it is. Is this an earlier copy of the home?"
        )
    for period, shown_there in found.published.items():
        if shown_there.state == "closed" and not _has(wanted.published.get(period), shown_there):
            raise Refused(
                f"{place} shows {period} as closed, and it is not closed with these files in this home; the mirror"
                f" stays as it is. Is this a copy of the home? Name another prefix, or delete {MANIFEST} there"
            )


def _has(version: MirroredPeriod | None, closed: MirroredPeriod) -> bool:
    """True if a version is closed, too, and has the same files; its seal may have come since."""
    return (
        version is not None
        and version.state == "closed"
        and closed.files.items() <= version.files.items()
    )


def _wanted(home: Home, program: str) -> tuple[Manifest, dict[str, Path]]:
    """The manifest of what is published now, and the file of each object that it names."""
    files: dict[str, Path] = {}
    store = home.store(program)
    with home.program_lock(program):
        manifest = Manifest(
            schema_number=SCHEMA_NUMBER,
            program=program,
            home=_identity(home, program),
            generation=store.generation(),
            published=_shelf(store.published(), files),
            restated=_shelf(store.restated(), files),
        )
    return manifest, files


def _shelf(
    versions: Mapping[str, Publication], files: dict[str, Path]
) -> dict[str, MirroredPeriod]:
    return {
        period: MirroredPeriod(
            state=version.state,
            revision=version.revision,
            files={
                path: _mirrored(version.folder / path, sha256, files)
                for path, sha256 in sorted(_hashes(version).items())
            },
        )
        for period, version in versions.items()
    }


def _mirrored(path: Path, sha256: str, files: dict[str, Path]) -> MirroredFile:
    name = f"files/{sha256}{path.suffix}"
    files[name] = path
    try:
        return MirroredFile(object=name, sha256=sha256, size_bytes=path.stat().st_size)
    except FileNotFoundError:
        raise _missing(path) from None


def _missing(path: Path) -> Refused:
    return Refused(
        f"{path} is missing; the mirror stays as it is. bonus verify says what else is wrong"
    )


def _hashes(version: Publication) -> dict[str, str]:
    """SHA-256 by path of every file, as it was left; what nobody wrote down is hashed now."""
    try:
        known = recorded_hashes(version, version.record())
    except (OSError, Unreadable) as error:
        raise Refused(f"{error}; bonus verify says what else is wrong") from None
    if not version.run_file_sha256:
        known = {**version.file_hashes(), **known}
    if version.seal is not None:
        known[SEAL_FILE] = hashlib.sha256(version.seal).hexdigest()
    return known


def _parts(path: Path, sha256: str) -> Iterator[bytes]:
    """A file in parts; Refused at its end if it has other bytes than it is named by, so that it is not made."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(PART_BYTES):
            digest.update(part)
            yield part
    if digest.hexdigest() != sha256:
        raise Refused(
            f"{path} was changed: SHA-256 is {digest.hexdigest()}, expected {sha256}; the mirror stays as it is."
            " bonus verify says what else is wrong"
        )


def _told_apart(place: Bucket, found: Manifest, wanted: Manifest) -> Iterator[str]:
    for shelf in ("published", "restated"):
        there, here = getattr(found, shelf), getattr(wanted, shelf)
        for period in sorted(there.keys() | here.keys()):
            if there.get(period) != here.get(period):
                what = period if shelf == "published" else f"the restatement of {period}"
                yield f"{place}: {what} is not as it is published in the home; bonus mirror shows it"


def _object_fault(place: Bucket, listed: Listed | None, file: MirroredFile) -> str | None:
    if listed is None:
        return "is not there; bonus mirror sends it again"
    digest = _Digest()
    try:
        place.read(listed, digest)  # type: ignore[arg-type]
    except FileFault as fault:
        return fault.detail
    if digest.hexdigest() != file.sha256:
        return f"has other bytes: SHA-256 is {digest.hexdigest()}; delete it, then run bonus mirror"
    return None


class _Digest:
    """A file of which nothing is kept but its hash."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def write(self, part: bytes) -> int:
        self._digest.update(part)
        return len(part)

    def hexdigest(self) -> str:
        return self._digest.hexdigest()
