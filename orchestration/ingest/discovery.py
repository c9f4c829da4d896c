"""Which files the landing directory holds (contract §2, first paragraph).

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

from orchestration.ingest.datasets import DATASET_NAMES
from orchestration.ingest.quarantine import FileReason
from orchestration.ingest.shown import shortened, shown


class Format(StrEnum):
    """How a file is written; the value is the suffix of its name."""

    PARQUET = ".parquet"
    CSV = ".csv"
    CSV_GZIP = ".csv.gz"
    CSV_ZSTD = ".csv.zst"
    JSONL = ".jsonl"
    JSONL_GZIP = ".jsonl.gz"
    JSONL_ZSTD = ".jsonl.zst"


class Identity(NamedTuple):
    """Which file it is and which state it is in; another one after reading means it changed."""

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


_SKIPPED_PREFIXES: Final = (".", "_")


def discover(landing: Path) -> Inventory:
    """Everything in the landing directory, without opening a file.

    NotADirectoryError if there is no such directory, PermissionError if it cannot be listed.
    """
    root = os.path.realpath(landing)
    if not os.path.isdir(root):
        raise NotADirectoryError(f"the landing directory {shown(str(landing))} does not exist")
    folders: set[str] = set()
    entries: list[FoundFile | RefusedEntry] = []
    notes: list[Note] = []
    for name in sorted(os.listdir(root), key=os.fsencode):
        if name.startswith(_SKIPPED_PREFIXES):
            continue
        if name not in DATASET_NAMES:
            notes.append(Note("beside_datasets", None, shortened(name), "no dataset of this name"))
            continue
        walk = _Walk(root, name)
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


class _Walk:
    """One walk over one dataset.

    Links wait until all that is reached without one has been seen, so that a file goes by its plain
    name wherever it has one, and what a link adds does not depend on where it stands.
    """

    def __init__(self, root: str, dataset: str) -> None:
        self.entries: list[FoundFile | RefusedEntry] = []
        self.notes: list[Note] = []
        self.has_folder = False
        self._root = root
        self._dataset = dataset
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
                if entry.name.startswith(_SKIPPED_PREFIXES):
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
