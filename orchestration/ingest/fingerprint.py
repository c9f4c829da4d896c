"""The fingerprint of what was read: the hashes of all landing files, and one digest over them (contract §7).

Belongs here: hashing, and remembering hashes of files that have not changed. Does not: what is done
with a fingerprint.
"""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from orchestration.foundations.files import replace_file
from orchestration.ingest.discovery import FoundFile, Identity, Inventory, RefusedEntry
from orchestration.ingest.opening import opened
from orchestration.ingest.quarantine import FileFault, FileReason

# A file changed again within the clock's tick may look the same: its hash is not remembered yet.
_SETTLED_NS: Final = 2_000_000_000


class FileFingerprint(NamedTuple):
    """A file of the landing directory and the hash of its content.

    In place of a hash stands the reason code, where a file is refused unread; nothing, where a
    dataset has a folder without files (path with a `/` at the end); what a bucket lists an object by.
    """

    path: str  # as `ingest_files.file` has it
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class Hashed:
    """A landing directory whose files were hashed.

    `files` is sorted by path. `contents` has the hash by the real path of each file of which it is sure
    that it is still that of its content: not of one that was changed just now, nor of one that could not be read.
    `differing` names the files that had other bytes than were remembered, though they looked the same.
    """

    files: list[FileFingerprint]
    contents: Mapping[str, str]
    differing: Sequence[str] = ()


class _Remembered(NamedTuple):
    identity: Identity
    sha256: str


def hash_landing(
    inventory: Inventory,
    cache: Path | None = None,
    *,
    anew: bool = False,
    own: Mapping[str, str] | None = None,
) -> Hashed:
    """Hashes all that was found.

    With a cache file, a file is read again only if its path, size, times, inode or device changed,
    or if all are to be read `anew`. Several landing directories may share one. `own` has the hashes, by
    path, of files that this process has just written for itself: they are taken as they are.
    """
    remembered, own = _read_cache(cache) if cache else {}, own or {}
    now_ns = time.time_ns()
    hashes: dict[str, str] = {}
    kept: dict[str, _Remembered] = {}
    differing = []
    for entry in inventory.entries:
        if isinstance(entry, RefusedEntry):
            continue
        if entry.path in own:
            kept[entry.path] = _Remembered(entry.identity, own[entry.path])
            hashes[entry.path] = own[entry.path]
            continue
        known = remembered.get(entry.path)
        looks_same = known is not None and known.identity == entry.identity
        if known is None or not looks_same or anew:
            before, known = known, _Remembered(entry.identity, _hash(entry))
            if looks_same and before != known:
                differing.append(entry.name)
        newest_ns = max(entry.identity.modified_ns, entry.identity.changed_ns)
        if (
            newest_ns + _SETTLED_NS < now_ns
            and len(known.sha256) == hashlib.sha256().digest_size * 2
        ):
            kept[entry.path] = known
        hashes[entry.path] = known.sha256
    if cache and not kept.items() <= remembered.items():
        _write_cache(cache, remembered | kept)
    contents = {path: known.sha256 for path, known in kept.items()}
    return Hashed(fingerprints_of(inventory, lambda file: hashes[file.path]), contents, differing)


def fingerprints_of(
    inventory: Inventory, content: Callable[[FoundFile], str]
) -> list[FileFingerprint]:
    """The fingerprints of all entries, and of folders without one; sorted. `content` stands for a file's bytes."""
    found = [
        FileFingerprint(entry.name, entry.size_bytes or 0, entry.reason.value)
        if isinstance(entry, RefusedEntry)
        else FileFingerprint(entry.name, entry.identity.size_bytes, content(entry))
        for entry in inventory.entries
    ]
    filled = {entry.dataset for entry in inventory.entries}
    found += [FileFingerprint(f"{name}/", 0, "") for name in inventory.folders - filled]
    return sorted(found)


def landing_digest(fingerprints: Sequence[FileFingerprint]) -> str:
    """One SHA-256 over fingerprints: another one whenever ingest might read something else."""
    lines = (json.dumps(fingerprint, ensure_ascii=True) + "\n" for fingerprint in fingerprints)
    return hashlib.sha256("".join(lines).encode("ascii")).hexdigest()


def dataset_digests(fingerprints: Sequence[FileFingerprint]) -> dict[str, str]:
    """The same over the files of each dataset: by them a change of the whole has a name."""
    by_dataset: dict[str, list[FileFingerprint]] = {}
    for fingerprint in fingerprints:
        by_dataset.setdefault(fingerprint.path.partition("/")[0], []).append(fingerprint)
    return {name: landing_digest(found) for name, found in by_dataset.items()}


def _hash(file: FoundFile) -> str:
    """The hash of the content, or the reason code why there is none."""
    try:
        with opened(file) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except FileFault as fault:
        return fault.reason.value
    except OSError:
        return FileReason.UNREADABLE.value


def _read_cache(cache: Path) -> dict[str, _Remembered]:
    """The cache of an earlier call; empty if it cannot be read."""
    try:
        entries = json.loads(cache.read_text("utf-8"))
        return {
            path: _Remembered(Identity(*map(int, identity)), str(sha256))
            for path, (identity, sha256) in entries.items()
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _write_cache(cache: Path, remembered: dict[str, _Remembered]) -> None:
    cache.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(cache, json.dumps(remembered).encode())
