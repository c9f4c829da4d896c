"""The cache of a home: entries by a key, each whole or not there, with a hash of its own.

    <folder>/<key>/entry.json       {"sha256": of the rest, "facts": {...}, "parts": {name: sha256}}
    <folder>/<key>/<name>.parquet   its parts

Nothing hangs on it: an entry that is gone or damaged is made anew. Belongs here: finding, writing,
checking and dropping entries, by several runs at once. Does not: what is in one (`verdicts.py`,
`extracts.py`).
"""

import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

MOST_BYTES: Final = 10 << 30
"""What a cache may take on disk where nothing else is said."""

# A smaller file is read again in less time than its entry takes.
LEAST_FILE_BYTES: Final = 64 << 10
LONGEST_RUN_SECONDS: Final = 24 * 60 * 60
"""No run takes that long: what one has begun before is of one that died."""
_BEGUN, _GONE = ".new-", ".gone-"
_ENTRY: Final = "entry.json"


@dataclass(frozen=True)
class Entry:
    """An entry of the cache: facts, and the paths of Parquet files that last as long as the run's scratch folder."""

    facts: Mapping[str, Any]
    parts: Mapping[str, Path]


@dataclass
class FileCache:
    """The entries below a folder, written by the code of that fingerprint; used ones come to `scratch`.

    `tell` hears of what is damaged or cannot be kept. Several runs may share a folder. With `anew` an entry
    of an earlier run is dropped, not taken.
    """

    folder: Path
    code: str
    scratch: Path
    tell: Callable[[str], None]
    most_bytes: int = MOST_BYTES
    anew: bool = False
    _taken: int = field(default=0, init=False)
    _own: set[str] = field(default_factory=set, init=False)

    @staticmethod
    def is_worth(size_bytes: int) -> bool:
        """True if files of that size are worth an entry."""
        return size_bytes >= LEAST_FILE_BYTES

    def key(self, *parts: object) -> str:
        """The name of an entry: another one for whatever it depends on, and for another code."""
        return hashlib.sha256(json.dumps([self.code, *map(str, parts)]).encode()).hexdigest()

    def take(self, key: str) -> Entry | None:
        """The entry, held against its hashes; None if there is none, or a damaged one, which is dropped."""
        folder = self.folder / key
        if self.anew and key not in self._own:
            drop(folder)
            return None
        try:
            content = json.loads((folder / _ENTRY).read_bytes())
            if content.pop("sha256") != _digest(content):
                raise ValueError
            parts = {
                name: self._taken_part(folder / f"{name}.parquet", sha256)
                for name, sha256 in content["parts"].items()
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            if folder.exists():  # else another run has dropped it, or there never was one
                self.tell(f"{folder} is damaged; it is made anew")
                drop(folder)
            return None
        with suppress(OSError):
            os.utime(folder)  # used now: the one that was used longest ago is dropped first
        return Entry(content["facts"], parts)

    def put(
        self, key: str, facts: Mapping[str, Any], write: Callable[[Path], Collection[str]]
    ) -> None:
        """Keeps an entry, unless one is there. `write` makes its parts in a folder and gives their names.

        A cache that cannot be written fails nothing.
        """
        begun = begun_entry(self.folder)
        try:
            begun.mkdir(mode=0o700, parents=True)
            parts = {name: _file_digest(begun / f"{name}.parquet") for name in write(begun)}
            content = {"facts": facts, "parts": parts}
            (begun / _ENTRY).write_text(json.dumps({"sha256": _digest(content), **content}))
            os.rename(begun, self.folder / key)
            self._own.add(key)
        except OSError as error:
            if not (self.folder / key).exists():
                self.tell(f"{self.folder} cannot be written: {error.strerror}; nothing is kept")
        finally:
            shutil.rmtree(begun, ignore_errors=True)

    def sweep(self) -> None:
        """Drops the entries used longest ago until the rest is within the bound, and what died half-written."""
        sweep(self.folder, self.most_bytes)

    def _taken_part(self, path: Path, sha256: str) -> Path:
        """A part under a name of this run's own, so that whoever drops the entry does not matter."""
        self._taken += 1
        taken = self.scratch / f"kept-{self._taken}.parquet"
        try:
            os.link(path, taken)
        except FileNotFoundError:
            raise
        except OSError:  # a disk without hard links
            shutil.copyfile(path, taken)
        if _file_digest(taken) != sha256:
            raise ValueError
        return taken


def sweep(entries: Path, most_bytes: int, *, spared_seconds: float = 0) -> None:
    """Drops the entries used longest ago until the rest is within the bound, and what died half-written.

    Entries used in the last `spared_seconds` stay, whatever they take.
    """
    found, now = [], time.time()
    with suppress(OSError):
        for folder in entries.iterdir():
            with suppress(OSError):
                used, size = folder.stat().st_mtime, sum(f.stat().st_size for f in folder.iterdir())
                if not folder.name.startswith((_BEGUN, _GONE)):
                    found.append((used, folder, size))
                elif used < now - LONGEST_RUN_SECONDS:
                    shutil.rmtree(folder, ignore_errors=True)
    left = sum(size for _, _, size in found)
    for used, folder, size in sorted(found):
        if left <= most_bytes or used > now - spared_seconds:
            return
        drop(folder)
        left -= size


def begun_entry(entries: Path) -> Path:
    """A folder, not there yet, to make an entry in; where its maker dies it is swept away."""
    return entries / f"{_BEGUN}{uuid.uuid4().hex}"


def drop(entry: Path) -> None:
    """In one step it is no entry any more, whoever looks."""
    gone = entry.parent / f"{_GONE}{uuid.uuid4().hex}"
    with suppress(OSError):
        os.rename(entry, gone)
    shutil.rmtree(gone, ignore_errors=True)


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
