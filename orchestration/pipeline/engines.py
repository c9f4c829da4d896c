"""The engine that computes the tables of a run. One small interface, so that a stage knows no engine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from orchestration.pipeline.engine_limits import EngineLimits
from orchestration.pipeline.work_file import WorkFile

if TYPE_CHECKING:
    import duckdb


class Engine(Protocol):
    """The engine of a run: it has the tables, and builds the models of the stages."""

    def work_file(self, folder: Path) -> WorkFile:
        """The work file in the folder of a period."""

    def fresh_work(
        self, work: WorkFile, attempt: str
    ) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """A connection to an empty work file, which takes the old one's place when the block ends well."""

    def build(self, work: WorkFile, stage: str) -> dict[str, float]:
        """Builds the models of a stage; seconds by model."""


@dataclass(frozen=True, slots=True)
class DuckDBEngine:
    """DuckDB in this process, over a file, within `limits`; dbt builds the models."""

    limits: EngineLimits | None = None

    def work_file(self, folder: Path) -> WorkFile:
        return WorkFile(folder, self.limits)

    @contextmanager
    def fresh_work(self, work: WorkFile, attempt: str) -> Iterator[duckdb.DuckDBPyConnection]:
        import duckdb

        for leftover in work.folder.glob("new-*"):
            leftover.unlink()
        fresh = work.folder / f"new-{attempt}.duckdb"
        with duckdb.connect(fresh) as connection:
            connection.execute("set TimeZone = 'UTC'")
            work.limits.apply(connection, work.spill)
            yield connection
            # Closing does it too, but says nothing of a full disk: the log would stay behind.
            connection.execute("checkpoint")
        work.replace_with(fresh, attempt)

    def build(self, work: WorkFile, stage: str) -> dict[str, float]:
        from orchestration.pipeline.dbt_runner import build_models

        return build_models(work, f"tag:{stage}")


DUCKDB = DuckDBEngine()
"""The engine of every run that names no other."""


def remove_leftovers(folder: Path, pattern: str, keep: Path | None = None) -> None:
    """Deletes what a run that died has left in a work folder, but for the folder `keep`."""
    for leftover in folder.glob(pattern):
        if leftover != keep:
            shutil.rmtree(leftover, ignore_errors=True)
