"""The files of `bonus export` (§9, §14): a period's tables, its program file, its run."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from orchestration.foundations.cursors import each_row, scratch_database
from orchestration.foundations.files import files_placed
from orchestration.publishing.parquet import select_published, write_file
from orchestration.publishing.store import PROGRAM_FILE, RUN_FILE, Publication
from orchestration.publishing.tables import CONTRACT_TABLES, DAY, FLAG, INSTANT, TEXT, Table
from orchestration.terms.yaml_reader import MappingNode, Node, SequenceNode, read_yaml

if TYPE_CHECKING:
    import duckdb

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
QUOTE = "'"
ROWS_OF_A_SHEET = 1_048_575
"""What a sheet of a workbook holds below the row with the columns' names."""
Format = Literal["csv", "parquet", "xlsx"]


class TooManyRows(ValueError):
    """A table has more rows than a sheet holds."""


def demand_sheets_hold(rows: Mapping[str, int]) -> None:
    """TooManyRows if one of the tables, name -> number of rows, does not fit on a sheet."""
    too_long = [
        f"{name} has {count:,} rows" for name, count in rows.items() if count > ROWS_OF_A_SHEET
    ]
    if too_long:
        raise TooManyRows(
            f"{', '.join(too_long)}, and a sheet holds {ROWS_OF_A_SHEET:,} below its header; "
            "export it as csv or parquet"
        )


def export_period(
    publication: Publication,
    out: Path,
    *,
    spreadsheet: bool = False,
    as_format: Format = "csv",
    outside: Sequence[Path] = (),
) -> list[Path]:
    """Writes the tables, and beside them `program.yaml` and `run.json`; returns the files.

    §9 has the CSV files, §14 the other formats; `outside` is as `files_placed` has it. Unreadable if
    the period's run.json is none; TooManyRows if a sheet cannot hold a table.
    """
    with files_placed(out, outside=outside) as fresh:
        if as_format == "xlsx":
            files = [_export_workbook(publication, fresh)]
        elif as_format == "parquet":
            files = _export_parquet(publication, fresh)
        else:
            files = export_tables(publication, fresh, spreadsheet=spreadsheet)
        files += export_documents(publication, fresh)
    return [out / file.name for file in files]


def export_documents(publication: Publication, out: Path) -> list[Path]:
    """The program file as the run read it, also as JSON, and who made the run, from what, gates, totals."""
    program, terms, run = out / PROGRAM_FILE, out / "program.json", out / RUN_FILE
    content = publication.program_file.read_bytes()
    program.write_bytes(content)
    root, _ = read_yaml(content, PROGRAM_FILE)
    terms.write_text(json.dumps(_as_json(root), indent=1) + "\n", encoding="utf-8")
    record = publication.record().to_json()
    record |= {"state": publication.state, "revision": publication.revision}
    run.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return [program, terms, run]


def _as_json(node: Node | None) -> Any:
    """The program file for readers without YAML: each value is the text that stands there, or null."""
    if isinstance(node, MappingNode):
        return {key: _as_json(value) for key, value in node.items()}
    if isinstance(node, SequenceNode):
        return [_as_json(value) for value in node]
    return None if node is None or node.is_null else node.text


def _tables(publication: Publication) -> list[Table]:
    """A period that earlier code published lacks the tables that explain."""
    return [table for table in CONTRACT_TABLES.values() if publication.has(table)]


def export_tables(publication: Publication, out: Path, *, spreadsheet: bool = False) -> list[Path]:
    """Writes `<out>/<table>.csv` for every table of the contract that was published; returns the files.

    With `spreadsheet` a text cell that a spreadsheet would run gets a leading apostrophe.
    """
    out.mkdir(parents=True, exist_ok=True)
    with scratch_database() as connection:
        return [
            _export_table(connection, table, publication, out, spreadsheet)
            for table in _tables(publication)
        ]


def _export_table(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    publication: Publication,
    out: Path,
    spreadsheet: bool,
) -> Path:
    path = out / f"{table.name}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table.columns)
        writer.writerows(_rows(connection, table, publication, spreadsheet))
    return path


def _export_parquet(publication: Publication, out: Path) -> list[Path]:
    """`<out>/<table>.parquet`, with the published types and all columns of today."""
    files = []
    with scratch_database() as connection:
        for table in _tables(publication):
            files.append(out / f"{table.name}.parquet")
            rows = connection.sql(select_published(table, publication.relation(table)))
            write_file(rows.to_arrow_table(), files[-1])
    return files


def _export_workbook(publication: Publication, out: Path) -> Path:
    """`<out>/<period>.xlsx`, a sheet a table."""

    from orchestration.publishing.workbook import write_workbook

    path, tables = out / f"{publication.period}.xlsx", _tables(publication)
    with scratch_database() as connection:
        counts = {
            table.name: connection.sql(f"from {publication.relation(table)}").shape[0]
            for table in tables
        }
        demand_sheets_hold(counts)
        sheets = ((table, _rows(connection, table, publication)) for table in tables)
        write_workbook(path, sheets)
    return path


def _rows(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    publication: Publication,
    spreadsheet: bool = False,
) -> Iterator[tuple[Any, ...]]:
    """The rows of a table as §9 has them: sorted by key, each cell as `as_text` makes it."""
    columns = ", ".join(as_text(name, kind, spreadsheet) for name, kind in table.columns.items())
    cursor = connection.execute(
        f"select {columns} from {publication.relation(table)} as source"
        f" order by {', '.join(f'source.{key}' for key in table.key)}"
    )
    return each_row(cursor)


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
