"""From cells to rows: the raw tables, and the SQL that fills them (contract §2).

Belongs here: the tables' columns, defaults, and when a row is good. Does not: what makes a value
good (`cells.py`), nor where the rows come from (`text_loader.py`, `parquet_loader.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from orchestration.ingest.cells import Cell, sql_text
from orchestration.ingest.datasets import DATASETS, SQL_TYPES, Column, Dataset
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
    create table files_in_place (
        file varchar not null, link varchar not null, device hugeint not null, inode hugeint not null,
        size_bytes bigint not null, modified_ns bigint not null, changed_ns bigint not null
    );
    create table unknown_posts (post_id varchar not null, snapshots bigint not null);
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
            f"create table {dataset.rows_table} ({columns}, "
            "file_no integer not null, row_no bigint not null)"
        )
        if dataset.is_read_in_place:
            create_view(connection, dataset, [])
    connection.execute(_REPORT_TABLES)


def create_view(
    connection: "duckdb.DuckDBPyConnection", dataset: Dataset, in_place: Sequence[str]
) -> None:
    """Make the raw table of a dataset that is read in place: rows that were copied and `in_place`.

    Each of these is SQL of rows as the raw table has them. Whoever queries the view must not let
    DuckDB trust the statistics in footers (see `parquet_loader`).
    """
    parts = [f"SELECT * FROM {dataset.rows_table}", *in_place]
    connection.execute(f"create or replace view {dataset.table} as {' UNION ALL '.join(parts)}")


@dataclass(frozen=True)
class RowSource:
    """Where rows of a dataset come from, and how their values are to be read.

    The relation is SQL for a FROM clause; it has file_no, row_no and all that the cells refer to.
    """

    dataset: Dataset
    cells: Mapping[str, Cell]
    relation: str
    unknown: str = "false"  # SQL over the relation: whether a row's id is none that is known

    def good_rows(self) -> str:
        """SQL of the good rows as the raw table has them, defaults applied."""
        values = ", ".join(_with_default(column) for column in self.dataset.columns)
        return f"SELECT {values}, {PLACE} FROM ({self._typed()}) WHERE {self._is_good()}"

    def all_rows(self) -> str:
        """SQL of all rows likewise, of a source that is known to hold no bad one."""
        values = ", ".join(_with_default(column) for column in self.dataset.columns)
        sure = (f"{self.cells[c.name].sure} AS value_{c.name}" for c in self.dataset.columns)
        return f"SELECT {values}, {PLACE} FROM (SELECT {PLACE}, {', '.join(sure)} FROM {self.relation})"

    def counted_rows(self) -> str:
        """SQL of how many rows each file has, how many are bad, and how many others are `unknown`.

        Looks at every value, each no closer than it takes to know that it is good.
        """
        is_good = " AND ".join(self._good_values())
        return (
            "SELECT file_no, count(*), count(*) FILTER (NOT is_good),"
            " count(*) FILTER (is_good AND is_unknown)"
            f" FROM (SELECT file_no, {is_good} AS is_good, {self.unknown} AS is_unknown"
            f" FROM {self.relation}) GROUP BY file_no"
        )

    def _good_values(self) -> Iterator[str]:
        """SQL conditions over the relation: together they say what `_is_good` says of a typed row."""
        for column in self.dataset.columns:
            cell = self.cells[column.name]
            if column.is_optional:
                yield f"(NOT ({cell.given}) OR ({cell.good}))"
            else:
                yield f"(({cell.given}) AND ({cell.good}))"
            if column.at_most_column:
                yield f"coalesce({cell.sure} <= {self.cells[column.at_most_column].sure}, true)"

    def bad_rows(self) -> str:
        """SQL of the bad rows: place, columns and reasons in the contract's order, the row as JSON.

        Of text files nobody needs the last: there the raw text is at hand.
        """
        columns = self.dataset.columns
        names = ", ".join(
            f"CASE WHEN {_reason(column)} IS NOT NULL THEN {sql_text(column.name)} END"
            for column in columns
        )
        codes = ", ".join(_reason(column) for column in columns)
        shown = ", ".join(f"{column.name} := shown_{column.name}" for column in columns)
        row_text = (
            f"left(CAST(to_json(struct_pack({shown})) AS VARCHAR), {LONGEST_RAW_TEXT_CHARACTERS})"
        )
        return (
            f"SELECT {PLACE}, concat_ws('|', {names}) AS column_name,"
            f" concat_ws('|', {codes}) AS reason, {row_text} AS raw_text"
            f" FROM ({self._typed()}) WHERE NOT ({self._is_good()})"
        )

    def _typed(self) -> str:
        parts = [PLACE]
        for column in self.dataset.columns:
            cell = self.cells[column.name]
            parts += (
                f"{cell.value} AS value_{column.name}",
                f"{cell.given} AS given_{column.name}",
                f"{cell.fault} AS fault_{column.name}",
                f"{cell.shown} AS shown_{column.name}",
            )
        return f"SELECT {', '.join(parts)} FROM {self.relation}"

    def _is_good(self) -> str:
        """SQL of whether a typed row is good: nothing missing that must be there, nothing bad."""
        conditions = []
        for column in self.dataset.columns:
            value = f"value_{column.name}"
            if column.is_optional:
                conditions.append(f"({value} IS NOT NULL OR NOT given_{column.name})")
            else:
                conditions.append(f"{value} IS NOT NULL")
            if column.at_most_column:
                limit = f"value_{column.at_most_column}"
                conditions.append(f"({value} IS NULL OR {value} <= {limit})")
        return " AND ".join(conditions)


def _with_default(column: Column) -> str:
    value = f"value_{column.name}"
    if column.default_column:
        value = f"coalesce({value}, value_{column.default_column})"
    elif isinstance(column.default, str):
        value = f"coalesce({value}, {sql_text(column.default)})"
    elif column.default is not None:
        value = f"coalesce({value}, {column.default})"
    return f"CAST({value} AS {SQL_TYPES[column.kind]}) AS {column.name}"


def _reason(column: Column) -> str:
    """SQL of why the value of a typed row is bad, null where it is not."""
    value = f"value_{column.name}"
    null = "NULL" if column.is_optional else sql_text(RowReason.NULL)
    exceeds = ""
    if column.at_most_column:
        limit = f"value_{column.at_most_column}"
        exceeds = f" WHEN {value} > {limit} THEN {sql_text(RowReason.OUT_OF_RANGE)}"
    return (
        f"(CASE WHEN NOT given_{column.name} THEN {null}"
        f" WHEN {value} IS NULL THEN fault_{column.name}{exceeds} END)"
    )


def _may_be_null(column: Column) -> bool:
    return column.is_optional and column.default is None and column.default_column is None
