"""The files of `bonus export` (§9): a period's tables as CSV, its program file, its run."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.publishing.store import PROGRAM_FILE, RUN_FILE, Publication
from orchestration.publishing.tables import CONTRACT_TABLES, DAY, FLAG, INSTANT, TEXT, Table

if TYPE_CHECKING:
    import duckdb

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
QUOTE = "'"
ROWS_A_FETCH = 10_000


def export_period(publication: Publication, out: Path, *, spreadsheet: bool = False) -> list[Path]:
    """Writes the tables, and beside them `program.yaml` and `run.json`; returns the files.

    Unreadable if the period's run.json is none.
    """
    return [
        *export_tables(publication, out, spreadsheet=spreadsheet),
        *_export_documents(publication, out),
    ]


def _export_documents(publication: Publication, out: Path) -> list[Path]:
    """The program file as the run read it, and what is known of the run: who, from what, gates, totals."""
    program, run = out / PROGRAM_FILE, out / RUN_FILE
    program.write_bytes(publication.program_file.read_bytes())
    record = publication.record().to_json()
    record |= {"state": publication.state, "revision": publication.revision}
    run.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return [program, run]


def export_tables(publication: Publication, out: Path, *, spreadsheet: bool = False) -> list[Path]:
    """Writes `<out>/<table>.csv` for every table of the contract; returns the files.

    A period that earlier code published lacks the tables that explain.

    With `spreadsheet` a text cell that a spreadsheet would run gets a leading apostrophe.
    """
    import duckdb

    out.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        return [
            _export_table(connection, table, publication.relation(table), out, spreadsheet)
            for table in CONTRACT_TABLES.values()
            if publication.has(table)
        ]


def _export_table(
    connection: duckdb.DuckDBPyConnection, table: Table, source: str, out: Path, spreadsheet: bool
) -> Path:
    columns = ", ".join(as_text(name, kind, spreadsheet) for name, kind in table.columns.items())
    cursor = connection.execute(
        f"select {columns} from {source} as source"
        f" order by {', '.join(f'source.{key}' for key in table.key)}"
    )
    path = out / f"{table.name}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table.columns)
        for rows in _batches(cursor):
            writer.writerows(rows)
    return path


def _batches(cursor: duckdb.DuckDBPyConnection) -> Iterable[list[tuple[Any, ...]]]:
    while rows := cursor.fetchmany(ROWS_A_FETCH):
        yield rows


def as_text(name: str, kind: str, spreadsheet: bool = False) -> str:
    """SQL for a cell: plain decimals without idle zeros, instants in UTC, true/false; null is empty."""
    column = f'"{name}"'
    if kind == INSTANT:
        # Decimals of the second only where there are any.
        seconds = f"strftime({column}, '%Y-%m-%dT%H:%M:%S')"
        micros = f"rtrim(strftime({column}, '.%f'), '0')"
        return f"{seconds} || case {micros} when '.' then '' else {micros} end || 'Z' as {column}"
    if kind == DAY:
        return f"strftime({column}, '%Y-%m-%d') as {column}"
    if kind == FLAG:
        return f"case when {column} then 'true' when not {column} then 'false' end as {column}"
    if kind.startswith("DECIMAL"):
        text = f"cast({column} as varchar)"
        plain = f"rtrim(rtrim({text}, '0'), '.')"
        return f"case when contains({text}, '.') then {plain} else {text} end as {column}"
    if kind == TEXT and spreadsheet:
        starts = ", ".join(f"chr({ord(start)})" for start in FORMULA_STARTS)
        quoted = f"chr({ord(QUOTE)}) || {column}"
        return (
            f"case when left({column}, 1) in ({starts}) then {quoted} else {column} end as {column}"
        )
    return column
