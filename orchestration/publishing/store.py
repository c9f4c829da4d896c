"""The place of published tables, and the one atomic step that replaces them (§9).

    <home>/published/program=P  -> ../generations/program=P/current/published
    <home>/restated/program=P   -> ../generations/program=P/current/restated
    <home>/generations/program=P/current                -> <n>          (the one switch)
    <home>/generations/program=P/<n>/published/period=K -> the version that is published
    <home>/generations/program=P/<n>/restated/period=K  -> the version that restates it
    <home>/generations/program=P/<n>/records.json       the hash of each version's run.json
    <home>/store/program=P/{period,restated}=K/<version>/<table>/part-0.parquet, run.json, program.yaml

A publish writes new versions, a new generation that links the versions of all periods, and then
renames one link over `current`. Before that rename nothing of it can be seen; after it all of it,
restatements and the later periods that post them alike. What a crash leaves behind is not linked,
and the next publish sweeps it away. The generation before stays for readers who are in the middle
of it. Callers hold the program's lock.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from errno import EEXIST, EXDEV
from pathlib import Path
from typing import Final, Literal

from orchestration.foundations.durable import make_folder, sync, write_bytes
from orchestration.foundations.file_patterns import exact_pattern
from orchestration.foundations.files import replace_file
from orchestration.publishing.parquet import FILE_NAME, empty, read_published
from orchestration.publishing.tables import Table
from orchestration.records import CloseEntry, RunRecord, Unreadable
from orchestration.terms.load import parse_program
from orchestration.terms.model import Program

RUN_FILE: Final = "run.json"
PROGRAM_FILE: Final = "program.yaml"
SEAL_FILE: Final = "close.json"
"""The line of the close log that closed a version, kept with it."""

_RECORDS_FILE: Final = "records.json"
"""What run.json cannot hold is its own hash: each generation has that of every version in it."""

Shelf = Literal["published", "restated"]
_SHELVES: Final[tuple[Shelf, ...]] = ("published", "restated")
_FOLDERS: Final[dict[Shelf, str]] = {"published": "period", "restated": "restated"}


@dataclass(frozen=True, slots=True)
class Publication:
    """A period's version: the folder that holds its tables, its run.json and its program file."""

    period: str
    folder: Path
    run_file_sha256: str | None = None  # as its run has left run.json; None: published by 0.1.0
    logged: bytes | None = None  # the line of the close log that closes its period

    def table(self, name: str) -> Path:
        """The Parquet file of a table."""
        return self.folder / name / FILE_NAME

    def pattern(self, name: str) -> str:
        """The file of a table as DuckDB reads it."""
        return exact_pattern(self.table(name))

    @property
    def explains(self) -> bool:
        """True if it has the tables that explain; a version of earlier code has not."""
        return self.table("market_totals").exists()

    def has(self, table: Table) -> bool:
        """True if the contract's table was published; a version of earlier code lacks those that explain."""
        return self.explains or not table.explains

    def relation(self, table: Table) -> str:
        """SQL that reads a table with all its columns of today.

        What earlier code did not publish has no rows, and what it did not write stands as `later` says.
        """
        path = self.table(table.name)
        may_lack = table.may_be_missing or (table.explains and not self.explains)
        if may_lack and not path.exists():
            return empty(table)
        return read_published(table, path)

    @property
    def revision(self) -> int:
        """The number of the generation that published it first."""
        return int(self.folder.name)

    def record(self) -> RunRecord:
        """The record of the run that made these rows, read anew; Unreadable if run.json cannot be read."""
        path = self.folder / RUN_FILE
        try:
            return RunRecord.read(path.read_bytes())
        except Unreadable as error:
            raise Unreadable(f"{path}: {error}") from None

    @property
    def program_file(self) -> Path:
        """The program file of that run, as it was."""
        return self.folder / PROGRAM_FILE

    def program(self) -> Program:
        """The program in that file, as it was; OSError or ProgramFileError if it cannot be read."""
        return parse_program(self.program_file.read_bytes(), str(self.program_file))

    @property
    def seal(self) -> bytes | None:
        """The close log's line that closed it, as it was then; None if there is none with it."""
        try:
            return (self.folder / SEAL_FILE).read_bytes()
        except FileNotFoundError:
            return None

    @property
    def closed(self) -> CloseEntry | None:
        """The line that closed it; None if it is open. Unreadable if its seal cannot be read."""
        line = self._closing_line
        return None if line is None else CloseEntry.from_line(line)

    @property
    def state(self) -> Literal["estimated", "closed"]:
        """§7: "A period is `estimated` until it is closed"."""
        return "estimated" if self._closing_line is None else "closed"

    @property
    def _closing_line(self) -> bytes | None:
        """By the seal, or by the log where a close died before its seal."""
        return self.logged if (seal := self.seal) is None else seal

    def has_seal_of(self, line: bytes) -> bool:
        """False where `Store.seal` has not come to its end for the version; another line is kept."""
        is_read_only = self.folder.stat().st_mode & 0o222 == 0
        return self.seal is not None and (is_read_only or self.seal != line)

    def file_hashes(self) -> dict[str, str]:
        """SHA-256 by path of every file of the version but its seal, sorted by path."""
        return file_hashes(self.folder)


def file_hashes(folder: Path) -> dict[str, str]:
    """SHA-256 by path below `folder` of every file but a seal, sorted by path."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != SEAL_FILE)
    return {str(path.relative_to(folder)): _sha256(path) for path in paths}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _record_hashes(generation: Path, shelf: Shelf) -> Mapping[str, str]:
    """Period -> hash of run.json; nothing for a generation of 0.1.0, which did not keep them."""
    path = generation / _RECORDS_FILE
    try:
        found: Mapping[str, str] = json.loads(path.read_bytes())[shelf]
    except FileNotFoundError:
        return {}
    except (ValueError, LookupError, TypeError):
        # No version agrees with a list that cannot be read.
        return {link.name.removeprefix("period="): "unreadable" for link in generation.glob("*/*")}
    return found


class Store:
    """The published and restated periods of one program in a home.

    `closing_lines` gives the line of the close log of each period that it names.
    """

    def __init__(
        self, home: Path, program: str, closing_lines: Callable[[], Mapping[str, bytes]] = dict
    ) -> None:
        # Whatever way leads to the home, by a link or by `..`: links in it are relative.
        self.home = Path(os.path.realpath(home))
        self.program = program
        self._closing_lines = closing_lines
        self._generations = self.home / "generations" / f"program={program}"
        self._current = self._generations / "current"
        self._versions = self.home / "store" / f"program={program}"

    def published(self) -> dict[str, Publication]:
        """Period key -> what is published of it now; empty before the first publish."""
        published, lines = self._shelf("published"), self._closing_lines()
        return {key: replace(entry, logged=lines.get(key)) for key, entry in published.items()}

    def restated(self) -> dict[str, Publication]:
        """Key of a closed period -> what its last run since computed."""
        return self._shelf("restated")

    def generation(self) -> int:
        """The number of the generation that is published; 0 before the first."""
        return int(self._current.resolve().name) if self._current.exists() else 0

    def new_version(self, period: str, shelf: Shelf = "published") -> Path:
        """An empty folder for the tables of a period, not seen by anyone until `switch`."""
        folder = self._versions / f"{_FOLDERS[shelf]}={period}" / f"{self.generation() + 1:08d}"
        if (folder / SEAL_FILE).exists():
            raise FileExistsError(EEXIST, "it was closed, and nothing takes its place", str(folder))
        if folder.exists():
            shutil.rmtree(folder)  # a publish that died before its switch
        make_folder(folder, self.home)
        return folder

    def switch(
        self,
        versions: Mapping[str, Path],
        restated: Mapping[str, Path],
        withdrawn: Collection[str] = (),
    ) -> None:
        """Publishes new versions (period -> folder) and restatements together, beside all others.

        The periods of `withdrawn` are published no more.
        """
        generation = self._generation(self.generation() + 1)
        if generation.exists():
            shutil.rmtree(generation)
        hashes: dict[str, dict[str, str]] = {}
        for shelf, new in zip(_SHELVES, (versions, restated), strict=True):
            shown = {
                key: entry for key, entry in self._shelf(shelf).items() if key not in withdrawn
            }
            folders = {key: entry.folder for key, entry in shown.items()} | dict(new)
            self._link_all(generation / shelf, folders)
            # Of a version that stays the hash stays too: the file itself may have been changed since.
            hashes[shelf] = {
                key: _sha256(folder / RUN_FILE) if key in new else shown[key].run_file_sha256 or ""
                for key, folder in folders.items()
            }
        write_bytes(generation / _RECORDS_FILE, json.dumps(hashes, sort_keys=True).encode())
        sync(generation)
        for shelf in _SHELVES:
            self._show(shelf)
        _replace_link(self._current, Path(generation.name))
        self._sweep()

    def seal(self, publication: Publication, line: bytes) -> None:
        """Keeps a closed version with the line that closed it, and makes all of it read-only.

        May be called again after a crash: the line is put in place whole, and made beside the
        version, in which a torn one would be a file too many.
        """
        folder = publication.folder
        for torn in self._versions.glob(f".{SEAL_FILE}.*"):
            torn.unlink()
        folder.chmod(0o700)
        for entry in folder.rglob("*"):
            entry.chmod(0o500 if entry.is_dir() else 0o400)
        replace_file(folder / SEAL_FILE, line, is_durable=True, mode=0o400, made_in=self._versions)
        folder.chmod(0o500)
        sync(folder)

    def _shelf(self, shelf: Shelf) -> dict[str, Publication]:
        if not self._current.exists():
            return {}
        generation = self._current.resolve()
        hashes = _record_hashes(generation, shelf)
        links = sorted((generation / shelf).iterdir())
        periods = [link.name.removeprefix("period=") for link in links]
        return {
            period: Publication(period, link.resolve(), hashes.get(period) or None)
            for period, link in zip(periods, links, strict=True)
        }

    def _link_all(self, folder: Path, targets: Mapping[str, Path]) -> None:
        make_folder(folder, self.home)
        for period, target in sorted(targets.items()):
            if target.parent.parent != self._versions:
                raise OSError(EXDEV, f"{target} is no version of this home")
            (folder / f"period={period}").symlink_to(os.path.relpath(target, folder))
            sync(target)
            sync(target.parent)
        sync(folder)

    def _show(self, shelf: Shelf) -> None:
        """The way in for readers, which never changes: it goes through `current`."""
        link = self.home / shelf / f"program={self.program}"
        target = Path(os.path.relpath(self._current, link.parent)) / shelf
        if not link.is_symlink():
            make_folder(link.parent, self.home)
            _replace_link(link, target)

    def _sweep(self) -> None:
        """Deletes generations before the last two, and versions that none of these links.

        All are known by their names alone. A version that was closed is never deleted: nothing makes it anew.
        """
        current = self.generation()
        numbers = {
            int(entry.name) for entry in self._generations.iterdir() if entry.name.isdecimal()
        }
        kept = sorted(number for number in numbers if number <= current)[-2:]
        assert current in kept, "what is published now has a folder"
        linked = {
            Path(link.readlink()).parts[-2:]
            for number in kept
            for link in self._generation(number).glob("*/*")
        }
        _remove(self._generation(number) for number in numbers.difference(kept))
        _remove(
            version
            for version in self._versions.glob("*=*/*")
            if version.parts[-2:] not in linked and not (version / SEAL_FILE).exists()
        )

    def _generation(self, number: int) -> Path:
        return self._generations / f"{number:08d}"


def _replace_link(link: Path, target: Path) -> None:
    """Makes `link` point to `target` in one step, whatever it pointed to before."""
    fresh = link.with_name(f".{link.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(link)
    sync(link.parent)


def _remove(folders: Iterable[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder)
