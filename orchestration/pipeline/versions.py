"""Writing a version of a period: its tables, its program file, and what is known of its run."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from expectations.suite import GateResult
from orchestration.foundations.durable import sync, write_bytes
from orchestration.publishing.parquet import write_table
from orchestration.publishing.store import PROGRAM_FILE, RUN_FILE, file_hashes
from orchestration.publishing.tables import Table

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
    meta: Mapping[str, Any],
    run_id: str,
    by: str,
    gates: Mapping[str, GateResult],
    totals: Mapping[str, Any],
    data: Mapping[str, Any],
) -> dict[str, Any]:
    """What run.json says of a run: fingerprints of its inputs, who, when, gates, totals, and data
    (what `data_quality` found)."""
    return {
        **meta,
        "run_id": run_id,
        "by": by,
        "published_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "gates": {stage: result.to_json() for stage, result in gates.items()},
        "totals": totals,
        "data": data,
    }


def finish_version(folder: Path, program_content: bytes, record: Mapping[str, Any]) -> None:
    """Adds program file and run.json, with the hashes of all files before it, and flushes them."""
    write_bytes(folder / PROGRAM_FILE, program_content)
    hashes = {path: digest for path, digest in file_hashes(folder).items() if path != RUN_FILE}
    content = json.dumps({**record, "files": hashes}, indent=1, sort_keys=True, default=str)
    write_bytes(folder / RUN_FILE, content.encode())
    sync(folder)
