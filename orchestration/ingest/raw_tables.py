"""From cells to rows: the raw tables, and the SQL that fills them (contract §2).

Belongs here: the tables' columns, defaults, and when a row is good. Does not: what makes a value
good (`cells.py`), nor where the rows come from (`text_loader.py`, `parquet_loader.py`).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from orchestration.ingest.cells import Cell, sql_text
from orchestration.ingest.datasets import DATASETS, SQL_TYPES, Column, Dataset, Kind
from orchestration.ingest.quarantine import LONGEST_RAW_TEXT_CHARACTERS, RowReason

if TYPE_CHECKING:
    import duckdb

# What a reader gives beside the cells, and what a raw table keeps of it.
PLACE: Final = "file_no, row_no"

_REPORT_TABLES: Final = """
    create table ingest_files (
        file_no integer not null, dataset varchar not null, file varchar not null, format varchar,
        size_bytes bigint, rows_read bigint not null, rows_loaded bigint not null,
        rows_quarantined bigint not null, reason varchar
    );
    create table quarantine_rows (
        dataset varchar not null, file varchar not null, row_no bigint not null,
        column_name varchar, reason varchar not null, raw_text varchar not null,
        line_count bigint not null
    );
    create table quarantine_files (
        dataset varchar not null, file varchar not null, reason varchar not null, detail varchar
    );
    create table ingest_notes (
        kind varchar not null, dataset varchar, subject varchar not null, detail varchar
    );
    create table ingest_datasets (
        dataset varchar not null, has_folder boolean not null, files bigint not null,
        rows_read bigint not null, rows_loaded bigint not null, rows_quarantined bigint not null,
        files_quarantined bigint not null
    );
"""


def create_tables(connection: "duckdb.DuckDBPyConnection") -> None:
    """Create the raw tables and the tables that report on them, all empty."""
    for dataset in DATASETS:
        columns = ", ".join(
            f"{column.name} {SQL_TYPES[column.kind]}{'' if _may_be_null(column) else ' not null'}"
            for column in dataset.columns
        )
        connection.execute(
            f"create table {dataset.table} ({columns}, "
            "file_no integer not null, row_no bigint not null)"
        )
    connection.execute(_REPORT_TABLES)


def good_rows(dataset: Dataset, cells: Mapping[str, Cell], relation: str) -> str:
    """SQL of the good rows of a relation as the raw table has them, defaults applied.

    The relation has file_no, row_no and whatever the cells refer to.
    """
    values = ", ".join(_with_default(column) for column in dataset.columns)
    return (
        f"SELECT {values}, {PLACE} FROM ({_typed(dataset, cells, relation)})"
        f" WHERE {is_good(dataset)}"
    )


def counted_rows(dataset: Dataset, cells: Mapping[str, Cell], relation: str) -> str:
    """SQL of how many rows each file of a relation has, and how many of them are bad."""
    return (
        f"SELECT file_no, count(*), count(*) FILTER (NOT ({is_good(dataset)}))"
        f" FROM ({_typed(dataset, cells, relation)}) GROUP BY file_no"
    )


def bad_rows(dataset: Dataset, cells: Mapping[str, Cell], relation: str) -> str:
    """SQL of the bad rows: file_no, row_no, columns and reasons in the contract's order, as JSON.

    The last column is the row as JSON text, cut; where rows come from text it is not needed, since
    the text itself is there.
    """
    reasons = [(column, _reason(column, cells[column.name])) for column in dataset.columns]
    names = ", ".join(
        f"CASE WHEN {reason} IS NOT NULL THEN {sql_text(column.name)} END"
        for column, reason in reasons
    )
    codes = ", ".join(reason for _, reason in reasons)
    return (
        f"SELECT {PLACE}, concat_ws('|', {names}), concat_ws('|', {codes}), raw_text"
        f" FROM ({_typed(dataset, cells, relation, with_evidence=True)})"
        f" WHERE NOT ({is_good(dataset)})"
    )


def is_good(dataset: Dataset) -> str:
    """SQL of whether a typed row is good: no value missing that must be there, none bad."""
    conditions = []
    for column in dataset.columns:
        value = f"value_{column.name}"
        if column.is_optional:
            conditions.append(f"({value} IS NOT NULL OR NOT given_{column.name})")
        else:
            conditions.append(f"{value} IS NOT NULL")
        if column.at_most_column:
            limit = f"value_{column.at_most_column}"
            conditions.append(f"({value} IS NULL OR {value} <= {limit})")
    return " AND ".join(conditions)


def _typed(
    dataset: Dataset, cells: Mapping[str, Cell], relation: str, *, with_evidence: bool = False
) -> str:
    parts = [PLACE]
    for column in dataset.columns:
        cell = cells[column.name]
        parts.append(f"{cell.value} AS value_{column.name}")
        parts.append(f"{cell.given} AS given_{column.name}")
        if with_evidence:
            parts.append(f"{cell.fault} AS fault_{column.name}")
    if with_evidence:
        shown = ", ".join(f"{column.name} := {cells[column.name].shown}" for column in dataset.columns)
        parts.append(
            f"left(CAST(to_json(struct_pack({shown})) AS VARCHAR),"
            f" {LONGEST_RAW_TEXT_CHARACTERS}) AS raw_text"
        )
    return f"SELECT {', '.join(parts)} FROM {relation}"


def _with_default(column: Column) -> str:
    value = f"value_{column.name}"
    if column.default_column:
        value = f"coalesce({value}, value_{column.default_column})"
    elif isinstance(column.default, str):
        value = f"coalesce({value}, {sql_text(column.default)})"
    elif column.default is not None:
        value = f"coalesce({value}, {column.default})"
    return f"CAST({value} AS {SQL_TYPES[column.kind]}) AS {column.name}"


def _reason(column: Column, cell: Cell) -> str:
    value, given = f"value_{column.name}", f"given_{column.name}"
    null = "NULL" if column.is_optional else sql_text(RowReason.NULL)
    exceeds = ""
    if column.at_most_column:
        limit = f"value_{column.at_most_column}"
        exceeds = f" WHEN {value} > {limit} THEN {sql_text(RowReason.OUT_OF_RANGE)}"
    return (
        f"(CASE WHEN NOT {given} THEN {null}"
        f" WHEN {value} IS NULL THEN fault_{column.name}{exceeds} END)"
    )


def _may_be_null(column: Column) -> bool:
    return column.is_optional and column.default is None and column.default_column is None
