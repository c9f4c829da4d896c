"""Writing a version of a period: its tables, its program file, and what is known of its run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from expectations.suite import GateResult
from orchestration.foundations.durable import sync, write_bytes
from orchestration.pipeline.period_run import PeriodRun
from orchestration.publishing.parquet import write_table
from orchestration.publishing.store import PROGRAM_FILE, RUN_FILE, file_hashes
from orchestration.publishing.tables import Table
from orchestration.records import SCHEMA_NUMBER, LastRun, RunRecord, Totals

if TYPE_CHECKING:
    import duckdb


def write_tables(
    connection: duckdb.DuckDBPyConnection, tables: Iterable[Table], version: Path
) -> None:
    """Writes tables of a database as those of a version."""
    for table in tables:
        write_table(connection, table, table.name, version)


def carry_over(source: Path, folder: Path) -> None:
    """The same file in a new version: a link where the file system has them, else a copy."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        os.link(source, folder / source.name)
    except OSError:
        shutil.copyfile(source, folder / source.name)
        sync(folder / source.name)
    sync(folder)


def run_record(
    run: PeriodRun,
    last_run: LastRun,
    currency: str,
    gates: Mapping[str, GateResult],
    totals: Totals,
    data: Mapping[str, Any],
) -> RunRecord:
    """The content of run.json: inputs, who, when, gates, totals, and the findings of `data_quality`.

    `currency` is the program's. The hashes of the version's files are added by `finish_version`.
    """
    assert last_run.inputs is not None
    return RunRecord(
        **last_run.inputs.model_dump(),
        schema_number=SCHEMA_NUMBER,
        program=run.program,
        period=run.period,
        currency=currency,
        attempt=last_run.attempt,
        run_id=run.run_id,
        by=run.by,
        ingested_by=last_run.run_id,
        read_by=last_run.by,
        published_at=datetime.now(UTC).isoformat(timespec="seconds"),
        gates=dict(gates),
        totals=totals,
        data=data,
    )


def finish_version(folder: Path, program_content: bytes, record: RunRecord) -> None:
    """Adds program file and run.json, with the hashes of all files before it, and flushes them."""
    write_bytes(folder / PROGRAM_FILE, program_content)
    hashes = {path: digest for path, digest in file_hashes(folder).items() if path != RUN_FILE}
    write_bytes(folder / RUN_FILE, record.model_copy(update={"files": hashes}).content())
    sync(folder)
