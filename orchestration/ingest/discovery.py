"""The files of the landing directory (contract §2, first paragraph).

Belongs here: walking the folders, following links, telling formats by their suffix, and what cannot
be read at all. Does not: what is in a file. Names come from outside, so nothing here trusts one:
a link may lead anywhere, back to where it is, or to a pipe that never ends. Where the names come from is a
`Tree`: a disk here, a bucket in `bucket.py`.
"""

import os
import stat
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from errno import EINVAL
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from orchestration.foundations.files import NotRegular
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

    def only(self, datasets: Collection[str]) -> "Inventory":
        """The files of these datasets."""
        return replace(
            self,
            folders=self.folders & set(datasets),
            entries=tuple(entry for entry in self.entries if entry.dataset in datasets),
            notes=tuple(note for note in self.notes if note.dataset in datasets),
        )


class Name(NamedTuple):
    """A name in a folder of a tree; what is neither a link nor a folder may be a file."""

    name: str
    is_link: bool
    is_folder: bool


class Tree(Protocol):
    """Where discovery looks. Paths are absolute and have slashes, the root's included."""

    root: str

    def names(self, folder: str) -> Sequence[Name]:
        """The names in a folder, in the order of their bytes; OSError if it cannot be listed."""

    def identity(self, path: str) -> Identity:
        """The identity of a file; OSError for what is none."""

    def target(self, path: str) -> str:
        """The path that a link leads to, with no link in it; OSError if it leads nowhere."""

    def is_folder(self, path: str) -> bool:
        """True of a folder, also behind a link."""


class _Disk:
    """A folder of this machine as a tree."""

    def __init__(self, root: str) -> None:
        self.root = root

    def names(self, folder: str) -> list[Name]:
        with os.scandir(folder) as scan:
            found = [
                Name(entry.name, entry.is_symlink(), entry.is_dir(follow_symlinks=False))
                for entry in scan
            ]
        return sorted(found, key=lambda found: os.fsencode(found.name))

    def identity(self, path: str) -> Identity:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise NotRegular(EINVAL, "not a regular file")
        return Identity.of(status)

    def target(self, path: str) -> str:
        return os.path.realpath(path, strict=True)

    def is_folder(self, path: str) -> bool:
        return os.path.isdir(path)


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
    return discover_in(_Disk(root))


def discover_in(tree: Tree) -> Inventory:
    """Everything in a tree of landing files. OSError if its root cannot be listed."""
    tables = _TableFolders(tree)
    folders: set[str] = set()
    entries: list[FoundFile | RefusedEntry] = []
    notes: list[Note] = []
    for top in tree.names(tree.root):
        name = top.name
        if name.startswith(SKIPPED_PREFIXES):
            continue
        if name not in DATASET_NAMES:
            notes.append(
                Note("beside_datasets", None, shown(name, LONGEST_NAME), "no dataset of this name")
            )
            continue
        walk = _Walk(tree, name, tables)
        walk.run(top)
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

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._root = tree.root
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
        names = self._names_in(folder)
        logs = [os.path.join(folder, name) for name in sorted(_TABLE_LOGS & names)]
        if _TABLE_METADATA_FOLDER in names:
            metadata = os.path.join(folder, _TABLE_METADATA_FOLDER)
            inner = sorted(name for name in self._names_in(metadata) if _is_table_metadata(name))
            logs += [os.path.join(metadata, name) for name in inner[:1]]
        return os.path.relpath(logs[0], self._root) if logs else None

    def _names_in(self, folder: str) -> set[str]:
        """Nothing of what is no folder or cannot be listed; that is refused where it is walked over."""
        try:
            return {found.name for found in self._tree.names(folder)}
        except OSError:
            return set()


def _is_table_metadata(name: str) -> bool:
    return name.endswith(_TABLE_METADATA_SUFFIX)


class _Walk:
    """One walk over one dataset.

    Links wait until all that is reached without one has been seen, so that a file goes by its plain
    name wherever it has one, and what a link adds does not depend on where it stands.
    """

    def __init__(self, tree: Tree, dataset: str, tables: _TableFolders) -> None:
        self.entries: list[FoundFile | RefusedEntry] = []
        self.notes: list[Note] = []
        self.has_folder = False
        self._tree = tree
        self._root = tree.root
        self._dataset = dataset
        self._tables = tables
        self._seen: dict[str, str] = {}  # real path -> name under which it was reached first
        self._links: list[str] = []  # relative paths

    def run(self, top: Name) -> None:
        if top.is_link:
            self._links.append(self._dataset)
        elif top.is_folder:
            self._visit_folder(self._dataset, os.path.join(self._root, self._dataset))
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
                entries = self._tree.names(path)
            except OSError as error:
                self._refuse(relative, FileReason.UNREADABLE, f"folder: {error.strerror}")
                continue
            for entry in entries:
                if entry.name.startswith(SKIPPED_PREFIXES):
                    continue
                inner = f"{relative}/{entry.name}"
                if entry.is_link:
                    self._links.append(inner)
                elif entry.is_folder:
                    pending.append((inner, os.path.join(path, entry.name)))
                else:
                    self._visit_file(inner, os.path.join(path, entry.name))

    def _visit_file(self, relative: str, path: str) -> None:
        try:
            identity = self._tree.identity(path)
        except OSError as error:
            self._refuse(relative, FileReason.UNREADABLE, str(error.strerror))
            return
        if table_log := self._table_log(relative, path):
            detail = f"{shown(table_log)} says which files are the table; deliver its rows as files"
            self._refuse(relative, FileReason.TABLE_FORMAT, detail, identity.size_bytes)
            return
        form = format_of(relative)
        if form is None:
            detail = "expected one of " + ", ".join(Format)
            self._refuse(relative, FileReason.UNKNOWN_FORMAT, detail, identity.size_bytes)
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
                identity,
            )
        )

    def _follow(self, relative: str) -> None:
        try:
            target = self._tree.target(os.path.join(self._root, relative))
        except OSError as error:  # leads nowhere, or to itself
            self._refuse(relative, FileReason.UNREADABLE, f"link: {error.strerror}")
            return
        if os.path.commonpath((self._root, target)) != self._root:
            detail = "the link leads out of the landing directory"
            self._refuse(relative, FileReason.OUTSIDE_LANDING, detail)
        elif self._tree.is_folder(target):
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
