"""The files of the landing directory (contract §2, first paragraph).

Belongs here: walking the folders, following links, telling formats by their suffix, and what cannot
be read at all. Does not: what is in a file. Names come from outside, so nothing here trusts one:
a link may lead anywhere, back to where it is, or to a pipe that never ends.
"""

import os
import stat
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

from orchestration.foundations.texts import LONGEST_NAME, shown
from orchestration.ingest.datasets import DATASET_NAMES
from orchestration.ingest.quarantine import FileReason


class Format(StrEnum):
    """The format of a file; the value is the suffix of its name."""

    PARQUET = ".parquet"
    CSV = ".csv"
    CSV_GZIP = ".csv.gz"
    CSV_ZSTD = ".csv.zst"
    JSONL = ".jsonl"
    JSONL_GZIP = ".jsonl.gz"
    JSONL_ZSTD = ".jsonl.zst"


class Identity(NamedTuple):
    """The identity and state of a file; another one after reading means that the file changed."""

    device: int
    inode: int
    size_bytes: int
    modified_ns: int
    changed_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> "Identity":
        """The identity in a stat result."""
        return cls(
            status.st_dev,
            status.st_ino,
            status.st_size,
            status.st_mtime_ns,
            status.st_ctime_ns,
        )


@dataclass(frozen=True)
class FoundFile:
    """A file to read. `path` is real (no links in it); `name` is for people."""

    dataset: str
    order: bytes  # the relative path as the system has it; files are numbered in this order
    name: str
    path: str
    format: Format
    identity: Identity


@dataclass(frozen=True)
class RefusedEntry:
    """A file, folder or link that cannot be read: one quarantined file."""

    dataset: str
    order: bytes
    name: str
    reason: FileReason
    detail: str
    size_bytes: int | None = None


@dataclass(frozen=True)
class Note:
    """Something to report that stops nothing."""

    kind: str
    dataset: str | None
    subject: str
    detail: str


@dataclass(frozen=True)
class Inventory:
    """All that a landing directory holds; entries by path, so not in the order of the disk."""

    folders: frozenset[str]  # names of the datasets that have one
    entries: tuple[FoundFile | RefusedEntry, ...]
    notes: tuple[Note, ...]


SKIPPED_PREFIXES: Final = (".", "_")

# What Delta Lake, Hudi and Iceberg keep beside the files of a table: which of them are the table.
_TABLE_LOGS: Final = frozenset({"_delta_log", ".hoodie"})
_TABLE_METADATA_FOLDER: Final = "metadata"
_TABLE_METADATA_SUFFIX: Final = ".metadata.json"


def discover(landing: Path) -> Inventory:
    """Everything in the landing directory, without opening a file.

    NotADirectoryError if there is no such directory, PermissionError if it cannot be listed.
    """
    root = os.path.realpath(landing)
    if not os.path.isdir(root):
        raise NotADirectoryError(f"the landing directory {shown(str(landing))} does not exist")
    tables = _TableFolders(root)
    folders: set[str] = set()
    entries: list[FoundFile | RefusedEntry] = []
    notes: list[Note] = []
    for name in sorted(os.listdir(root), key=os.fsencode):
        if name.startswith(SKIPPED_PREFIXES):
            continue
        if name not in DATASET_NAMES:
            notes.append(
                Note("beside_datasets", None, shown(name, LONGEST_NAME), "no dataset of this name")
            )
            continue
        walk = _Walk(root, name, tables)
        walk.run()
        if walk.has_folder:
            folders.add(name)
        entries += walk.entries
        notes += walk.notes
    return Inventory(
        frozenset(folders),
        tuple(sorted(entries, key=lambda entry: entry.order)),
        tuple(sorted(notes, key=lambda note: (note.dataset or "", note.kind, note.subject))),
    )


def format_of(name: str) -> Format | None:
    """The format the name's suffix tells, or None."""
    return next((form for form in Format if name.endswith(form.value)), None)


class _TableFolders:
    """The folders that are, or lie below, one with the log of a table (contract §2, TABLE_FORMAT)."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._table_of: dict[str, str | None] = {}  # by the path of a folder

    def table_of(self, folder: str) -> str | None:
        """The kind of table in the topmost such folder, as a relative path; None where there is none.

        The folder is the landing directory, the topmost that counts, or lies below it.
        """
        unknown = []
        while folder not in self._table_of and folder != os.path.dirname(self._root):
            unknown.append(folder)
            folder = os.path.dirname(folder)
        found = self._table_of.get(folder)
        for below in reversed(unknown):
            found = found or self._log_in(below)
            self._table_of[below] = found
        return found

    def _log_in(self, folder: str) -> str | None:
        names = _names_in(folder)
        logs = [os.path.join(folder, name) for name in sorted(_TABLE_LOGS & names)]
        if _TABLE_METADATA_FOLDER in names:
            metadata = os.path.join(folder, _TABLE_METADATA_FOLDER)
            inner = sorted(name for name in _names_in(metadata) if _is_table_metadata(name))
            logs += [os.path.join(metadata, name) for name in inner[:1]]
        return os.path.relpath(logs[0], self._root) if logs else None


def _is_table_metadata(name: str) -> bool:
    return name.endswith(_TABLE_METADATA_SUFFIX)


def _names_in(folder: str) -> set[str]:
    """Nothing of what is no folder or cannot be listed; that is refused where it is walked over."""
    try:
        return set(os.listdir(folder))
    except OSError:
        return set()


class _Walk:
    """One walk over one dataset.

    Links wait until all that is reached without one has been seen, so that a file goes by its plain
    name wherever it has one, and what a link adds does not depend on where it stands.
    """

    def __init__(self, root: str, dataset: str, tables: _TableFolders) -> None:
        self.entries: list[FoundFile | RefusedEntry] = []
        self.notes: list[Note] = []
        self.has_folder = False
        self._root = root
        self._dataset = dataset
        self._tables = tables
        self._seen: dict[str, str] = {}  # real path -> name under which it was reached first
        self._links: list[str] = []  # relative paths

    def run(self) -> None:
        top = os.path.join(self._root, self._dataset)
        if os.path.islink(top):
            self._links.append(self._dataset)
        elif os.path.isdir(top):
            self._visit_folder(self._dataset, top)
        else:
            self._note_no_folder()
        while self._links:
            waiting, self._links = sorted(self._links, key=os.fsencode), []
            for relative in waiting:
                self._follow(relative)
        self.has_folder = any(name == self._dataset for name in self._seen.values())

    def _visit_folder(self, relative: str, path: str) -> None:
        pending = [(relative, path)]
        while pending:
            relative, path = pending.pop()
            if self._was_seen(relative, path):
                continue
            try:
                with os.scandir(path) as scan:
                    entries = sorted(scan, key=lambda entry: os.fsencode(entry.name))
            except OSError as error:
                self._refuse(relative, FileReason.UNREADABLE, f"folder: {error.strerror}")
                continue
            for entry in entries:
                if entry.name.startswith(SKIPPED_PREFIXES):
                    continue
                inner = f"{relative}/{entry.name}"
                if entry.is_symlink():
                    self._links.append(inner)
                elif entry.is_dir(follow_symlinks=False):
                    pending.append((inner, entry.path))
                else:
                    self._visit_file(inner, entry.path)

    def _visit_file(self, relative: str, path: str) -> None:
        try:
            status = os.stat(path)
        except OSError as error:
            self._refuse(relative, FileReason.UNREADABLE, str(error.strerror))
            return
        if not stat.S_ISREG(status.st_mode):
            self._refuse(relative, FileReason.UNREADABLE, "not a regular file")
            return
        if table_log := self._table_log(relative, path):
            detail = f"{shown(table_log)} says which files are the table; deliver its rows as files"
            self._refuse(relative, FileReason.TABLE_FORMAT, detail, status.st_size)
            return
        form = format_of(relative)
        if form is None:
            detail = "expected one of " + ", ".join(Format)
            self._refuse(relative, FileReason.UNKNOWN_FORMAT, detail, status.st_size)
            return
        if self._was_seen(relative, path):
            return
        self.entries.append(
            FoundFile(
                self._dataset,
                os.fsencode(relative),
                shown(relative),
                path,
                form,
                Identity.of(status),
            )
        )

    def _follow(self, relative: str) -> None:
        try:
            target = os.path.realpath(os.path.join(self._root, relative), strict=True)
        except OSError as error:  # leads nowhere, or to itself
            self._refuse(relative, FileReason.UNREADABLE, f"link: {error.strerror}")
            return
        if os.path.commonpath((self._root, target)) != self._root:
            detail = "the link leads out of the landing directory"
            self._refuse(relative, FileReason.OUTSIDE_LANDING, detail)
        elif os.path.isdir(target):
            self._visit_folder(relative, target)
        elif relative == self._dataset:
            self._note_no_folder()
        else:
            self._visit_file(relative, target)

    def _table_log(self, relative: str, path: str) -> str | None:
        """The log of a table that the file belongs to, by where it is or by the links that lead to it."""
        as_reached = os.path.join(self._root, os.path.dirname(relative))
        return self._tables.table_of(os.path.dirname(path)) or self._tables.table_of(as_reached)

    def _was_seen(self, relative: str, path: str) -> bool:
        first = self._seen.setdefault(path, relative)
        if first == relative:
            return False
        detail = f"the same as {shown(first)}, which is read once"
        self.notes.append(Note("read_once", self._dataset, shown(relative), detail))
        return True

    def _refuse(
        self, relative: str, reason: FileReason, detail: str, size_bytes: int | None = None
    ) -> None:
        self.entries.append(
            RefusedEntry(
                self._dataset, os.fsencode(relative), shown(relative), reason, detail, size_bytes
            )
        )

    def _note_no_folder(self) -> None:
        self.notes.append(
            Note("beside_datasets", None, self._dataset, "has a dataset's name but is no folder")
        )
