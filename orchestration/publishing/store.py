"""Where published tables lie, and the one atomic step that replaces them (§9).

    <home>/published/program=P               -> ../generations/program=P/<n>      (the one switch)
    <home>/generations/program=P/<n>/period=K -> ../../../store/program=P/period=K/<version>
    <home>/store/program=P/period=K/<version>/<table>/part-0.parquet, run.json, program.yaml

A publish writes new versions, a new generation that links the versions of all periods, and then
renames one link over `published/program=P`. Before that rename nothing of it can be seen; after it
all of it. What a crash leaves behind is not linked, and the next publish sweeps it away. The
generation before stays for readers who are in the middle of it. Callers hold the program's lock.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.publishing.parquet import FILE_NAME, sync_folder

RUN_FILE = "run.json"
PROGRAM_FILE = "program.yaml"


@dataclass(frozen=True, slots=True)
class Publication:
    """A published period: the folder that holds its tables, its run.json and its program file."""

    period: str
    folder: Path

    def table(self, name: str) -> Path:
        """The Parquet file of a table."""
        return self.folder / name / FILE_NAME

    @property
    def run(self) -> dict[str, Any]:
        """What is known of the run whose rows these are: id, starter, fingerprints, totals, gates."""
        loaded: dict[str, Any] = json.loads((self.folder / RUN_FILE).read_text(encoding="utf-8"))
        return loaded

    @property
    def program_file(self) -> Path:
        """The program file of that run, as it was."""
        return self.folder / PROGRAM_FILE


class Store:
    """The published periods of one program in a home."""

    def __init__(self, home: Path, program: str) -> None:
        self.home = home
        self.program = program
        self.link = home / "published" / f"program={program}"
        self._generations = home / "generations" / f"program={program}"
        self._versions = home / "store" / f"program={program}"

    def published(self) -> dict[str, Publication]:
        """Period key -> publication, as they are now; empty before the first publish."""
        if not self.link.exists():
            return {}
        generation = self.link.resolve()
        return {
            entry.name.removeprefix("period="): Publication(
                entry.name.removeprefix("period="), entry.resolve()
            )
            for entry in sorted(generation.iterdir())
        }

    def generation(self) -> int:
        """The number of the generation that is published; 0 before the first."""
        return int(self.link.resolve().name) if self.link.exists() else 0

    def new_version(self, period: str) -> Path:
        """An empty folder for the tables of a period, not seen by anyone until `switch`."""
        folder = self._versions / f"period={period}" / f"{self.generation() + 1:08d}"
        if folder.exists():
            shutil.rmtree(folder)  # a publish that died before its switch
        folder.mkdir(parents=True)
        return folder

    def switch(self, versions: Mapping[str, Path]) -> None:
        """Publishes the new `versions` (period -> folder) together, beside all other periods."""
        number = self.generation() + 1
        folders = {key: publication.folder for key, publication in self.published().items()}
        folders |= dict(versions)
        generation = self._generations / f"{number:08d}"
        if generation.exists():
            shutil.rmtree(generation)
        generation.mkdir(parents=True)
        for period, folder in sorted(folders.items()):
            (generation / f"period={period}").symlink_to(os.path.relpath(folder, generation))
            sync_folder(folder)
            sync_folder(folder.parent)
        sync_folder(generation)
        sync_folder(generation.parent)
        self.link.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.link.with_name(f".{self.link.name}.new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.path.relpath(generation, self.link.parent))
        fresh.replace(self.link)
        sync_folder(self.link.parent)
        self._sweep()

    def _sweep(self) -> None:
        """Deletes generations before the last two, and versions that none of these links."""
        generations = sorted(self._generations.iterdir())
        current = self.link.resolve()
        kept = [entry for entry in generations if entry <= current][-2:]
        linked = {link.resolve() for generation in kept for link in generation.iterdir()}
        for generation in generations:
            if generation not in kept:
                shutil.rmtree(generation)
        for version in self._versions.glob("period=*/*"):
            if version.resolve() not in linked:
                shutil.rmtree(version)
