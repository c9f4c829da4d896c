"""From cells to rows: the raw tables, and the SQL that fills them (contract §2).

Belongs here: the tables' columns, defaults, and when a row is good. Does not: what makes a value
good (`cells.py`), nor where the rows come from (`text_loader.py`, `parquet_loader.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from orchestration.foundations.cursors import sql_text
from orchestration.ingest.cells import Cell
from orchestration.ingest.datasets import DATASETS, SQL_TYPES, Column, Dataset
from orchestration.ingest.expected import expected
from orchestration.ingest.quarantine import LONGEST_RAW_TEXT_CHARACTERS, RowReason
from orchestration.ingest.text_files import UNUSABLE_TEXT

if TYPE_CHECKING:
    import duckdb

OTHER_TYPE: Final = "a value of another type"
LONGEST_FOUND: Final = 200  # characters; the raw text has the rest
# What a reader gives beside the cells, and what a raw table keeps of it.
PLACE: Final = "file_no, row_no"

_REPORT_TABLES: Final = """
    create table ingest_files (
        file_no integer not null, dataset varchar not null, file varchar not null, format varchar,
        size_bytes bigint, rows_read bigint not null, rows_loaded bigint not null,
        rows_quarantined bigint not null, rows_deleted bigint not null, reason varchar
    );
    create table quarantine_rows (
        dataset varchar not null, file varchar not null, row_no bigint not null,
        column_name varchar, reason varchar not null, raw_text varchar not null,
        line_count bigint not null, found varchar, expected varchar
    );
    create table quarantine_files (
        dataset varchar not null, file varchar not null, reason varchar not null, detail varchar
    );
    create table fault_places (
        dataset varchar not null, file varchar not null, line bigint, column_name varchar,
        found varchar
    );
    create table ingest_notes (
        kind varchar not null, dataset varchar, subject varchar not null, detail varchar
    );
    create table files_in_place (
        file varchar not null, link varchar not null, device hugeint not null, inode hugeint not null,
        size_bytes bigint not null, modified_ns bigint not null, changed_ns bigint not null
    );
    create table known_posts (post_id varchar not null, published_at timestamp not null);
    create table extracted_posts (
        extract_no integer not null, post_id varchar not null, snapshots bigint not null,
        first_at timestamp not null, last_at timestamp not null, published_at timestamp,
        early bigint, has_all_rows boolean not null
    );
    create table known_snapshots (snapshots bigint not null, before_publication bigint not null);
    create table unknown_posts (post_id varchar not null, snapshots bigint not null);
    create table early_posts (
        post_id varchar not null, published_at timestamp not null, snapshots bigint not null,
        first_observed_at timestamp not null
    );
    create table spreadsheet_ids (
        dataset varchar not null, column_name varchar not null, id varchar not null,
        form varchar not null, row_count bigint not null, file varchar, row_no bigint
    );
    create table absent_columns (
        dataset varchar not null, file varchar not null, column_name varchar not null
    );
    create table deletion_flags (
        dataset varchar not null, file varchar not null, column_name varchar not null,
        row_count bigint not null
    );
    create table ingest_datasets (
        dataset varchar not null, has_folder boolean not null, files bigint not null,
        rows_read bigint not null, rows_loaded bigint not null, rows_quarantined bigint not null,
        rows_deleted bigint not null, files_quarantined bigint not null
    );
"""


def create_tables(connection: "duckdb.DuckDBPyConnection") -> None:
    """Create the raw tables and the tables that report on them, all empty."""
    for dataset in DATASETS:
        tables = [
            (dataset.rows_table, dataset.columns),
            (dataset.deletions_table, dataset.read_of_deleted),
        ]
        if dataset.is_read_in_place:
            tables.append((dataset.extracts_table, dataset.columns))
        for table, columns in tables:
            defined = ", ".join(
                f"{column.name} {SQL_TYPES[column.kind]}"
                f"{'' if _may_be_null(column) else ' not null'}"
                for column in columns
            )
            connection.execute(
                f"create table {table} ({defined},"
                " file_no integer not null, row_no bigint not null)"
            )
        if dataset.is_read_in_place:
            create_view(connection, dataset, [])
    connection.execute(_REPORT_TABLES)


def create_view(
    connection: "duckdb.DuckDBPyConnection", dataset: Dataset, in_place: Sequence[str]
) -> None:
    """Make the raw table of a dataset that is read in place: rows that were copied, extracts, and `in_place`.

    Each of the last is SQL of rows as the raw table has them. Whoever queries the view must not let
    DuckDB trust the statistics in footers (see `parquet_loader`).
    """
    copied = (f"SELECT * FROM {table}" for table in (dataset.rows_table, dataset.extracts_table))
    parts = [*copied, *in_place]
    connection.execute(f"create or replace view {dataset.table} as {' UNION ALL '.join(parts)}")


NEVER: Final = "false"


@dataclass(frozen=True)
class RowSource:
    """The source of a dataset's rows, and the way to read their values.

    The relation is SQL for a FROM clause; it has file_no, row_no and all that the others refer to:
    `deleted` says whether the source has deleted a row, and is never null; `tallies` are conditions to
    count good rows by that are not deleted, `flags` likewise for all rows that are not deleted; `instant`
    is one of which the first and the last are wanted, of good rows that are not deleted.
    """

    dataset: Dataset
    cells: Mapping[str, Cell]
    relation: str
    deleted: str = NEVER
    tallies: Mapping[str, str] = field(default_factory=dict)
    flags: Mapping[str, str] = field(default_factory=dict)
    instant: str = "CAST(NULL AS TIMESTAMP)"

    def good_rows(self) -> str:
        """SQL of the good rows that are not deleted as the raw table has them, defaults applied."""
        return self._loaded(self.dataset.columns, "NOT is_deleted")

    def good_rows_of_a_batch(self) -> str:
        """The same of rows that fit into memory: each value is typed once, and kept for condition and row.

        Else DuckDB types it for both, which takes half as long again, and so does the plan for a small file.
        """
        typed = self._typed("value", "given")
        loaded = self._loaded(self.dataset.columns, "NOT is_deleted", "typed")
        return f"WITH typed AS MATERIALIZED ({typed}) {loaded}"

    def deleted_rows(self) -> str:
        """SQL of the deleted rows as the deletions table has them, but for those that are bad."""
        return self._loaded(self.dataset.read_of_deleted, "is_deleted")

    def all_rows(self) -> str:
        """SQL of all rows that are not deleted, of a source that is known to hold no bad one."""
        values = ", ".join(_with_default(column) for column in self.dataset.columns)
        sure = (f"{self.cells[c.name].sure} AS value_{c.name}" for c in self.dataset.columns)
        return (
            f"SELECT {values}, {PLACE} FROM"
            f" (SELECT {PLACE}, {', '.join(sure)} FROM {self.relation} WHERE NOT ({self.deleted}))"
        )

    def counted_rows(self) -> str:
        """SQL of how many rows each file has, how many are bad, and deleted; the first and the last instant;
        then tallies and flags.

        Looks at every value, each no closer than it takes to know that it is good.
        """
        seen = [
            f"{' AND '.join(self._good_values())} AS is_good",
            f"({self.deleted}) AS is_deleted",
            f"{self.instant} AS instant",
        ]
        counts = ["true", "NOT is_good", "is_good AND is_deleted"]
        counted = [f"count(*) FILTER ({count})" for count in counts]
        loaded = "is_good AND NOT is_deleted"
        counted += (f"{end}(instant) FILTER ({loaded})" for end in ("min", "max"))
        for among, conditions in ((loaded, self.tallies), ("NOT is_deleted", self.flags)):
            for condition in conditions.values():
                name = f"condition_{len(seen)}"
                counted.append(f"count(*) FILTER ({among} AND {name})")
                seen.append(f"({condition}) AS {name}")
        return (
            f"SELECT file_no, {', '.join(counted)}"
            f" FROM (SELECT file_no, {', '.join(seen)} FROM {self.relation}) GROUP BY file_no"
        )

    def bad_rows(self) -> str:
        """SQL of the bad rows: place; columns, reasons, what was found and what was expected, in the
        contract's order; the row as JSON. Of text files nobody needs the last: there the raw text is at
        hand.
        """
        columns = self.dataset.columns
        reasons = {column.name: self._reason(column) for column in columns}
        names = ", ".join(
            f"CASE WHEN {reason} IS NOT NULL THEN {sql_text(name)} END"
            for name, reason in reasons.items()
        )
        found = ", ".join(
            f"CASE WHEN {reason} IS NOT NULL THEN {_found(name)} END"
            for name, reason in reasons.items()
        )
        wanted = ", ".join(
            f"CASE WHEN {reasons[column.name]} IS NOT NULL THEN {sql_text(expected(column))} END"
            for column in columns
        )
        shown = ", ".join(f"{column.name} := shown_{column.name}" for column in columns)
        row_text = (
            f"left(CAST(to_json(struct_pack({shown})) AS VARCHAR), {LONGEST_RAW_TEXT_CHARACTERS})"
        )
        return (
            f"SELECT {PLACE}, concat_ws('|', {names}) AS column_name,"
            f" concat_ws('|', {', '.join(reasons.values())}) AS reason,"
            f" concat_ws(' | ', {found}) AS found, concat_ws(' | ', {wanted}) AS expected,"
            f" {row_text} AS raw_text"
            f" FROM ({self._typed('value', 'given', 'fault', 'shown')}) WHERE NOT ({self._is_good()})"
        )

    def _loaded(self, columns: Sequence[Column], condition: str, typed: str = "") -> str:
        typed = typed or f"({self._typed('value', 'given')})"
        values = ", ".join(_with_default(column) for column in columns)
        return f"SELECT {values}, {PLACE} FROM {typed} WHERE {condition} AND {self._is_good()}"

    def _typed(self, *parts: str) -> str:
        """SQL of the rows with these parts of each cell, `value_views` and so on. Only what is used:
        DuckDB takes longer to plan such expressions than to go through a small file.
        """
        columns = [PLACE, f"({self.deleted}) AS is_deleted"]
        for name in self.dataset.column_names:
            cell = self.cells[name]
            columns += (f"{getattr(cell, part)} AS {part}_{name}" for part in parts)
        return f"SELECT {', '.join(columns)} FROM {self.relation}"

    def _good_values(self) -> Iterator[str]:
        """SQL conditions over the relation: together they say what `_is_good` says of a typed row."""
        for column in self.dataset.columns:
            cell = self.cells[column.name]
            passes = self._is_not_read(column, f"({self.deleted})")
            if column.is_optional:
                yield f"({passes} OR NOT ({cell.given}) OR ({cell.good}))"
            else:
                yield f"({passes} OR (({cell.given}) AND ({cell.good})))"
            if column.at_most_column:
                limit = self.cells[column.at_most_column].sure
                yield f"({passes} OR coalesce({cell.sure} <= {limit}, true))"

    def _is_good(self) -> str:
        """SQL of whether a typed row is good: nothing missing that must be there, nothing bad."""
        conditions = []
        for column in self.dataset.columns:
            value = f"value_{column.name}"
            passes = self._is_not_read(column, "is_deleted")
            if column.is_optional:
                conditions.append(f"({passes} OR {value} IS NOT NULL OR NOT given_{column.name})")
            else:
                conditions.append(f"({passes} OR {value} IS NOT NULL)")
            if column.at_most_column:
                limit = f"value_{column.at_most_column}"
                conditions.append(f"({passes} OR {value} IS NULL OR {value} <= {limit})")
        return " AND ".join(conditions)

    def _reason(self, column: Column) -> str:
        """SQL of why the value of a typed row is bad, null where it is not."""
        value = f"value_{column.name}"
        null = "NULL" if column.is_optional else sql_text(RowReason.NULL)
        exceeds = ""
        if column.at_most_column:
            limit = f"value_{column.at_most_column}"
            exceeds = f" WHEN {value} > {limit} THEN {sql_text(RowReason.OUT_OF_RANGE)}"
        return (
            f"(CASE WHEN {self._is_not_read(column, 'is_deleted')} THEN NULL"
            f" WHEN NOT given_{column.name} THEN {null}"
            f" WHEN {value} IS NULL THEN fault_{column.name}{exceeds} END)"
        )

    def _is_not_read(self, column: Column, is_deleted: str) -> str:
        """SQL of whether a value is not read, since its row is deleted (contract §2)."""
        return NEVER if column in self.dataset.read_of_deleted else is_deleted


def _found(name: str) -> str:
    """SQL of what a typed row has in a column, cut, as text for people."""
    return (
        f"CASE WHEN NOT given_{name} THEN 'nothing'"
        f" WHEN shown_{name} = chr({ord(UNUSABLE_TEXT)}) THEN {sql_text(OTHER_TYPE)}"
        f" ELSE coalesce(left(shown_{name}, {LONGEST_FOUND}), 'nothing') END"
    )


def _with_default(column: Column) -> str:
    value = f"value_{column.name}"
    if column.default_column:
        value = f"coalesce({value}, value_{column.default_column})"
    elif isinstance(column.default, str):
        value = f"coalesce({value}, {sql_text(column.default)})"
    elif column.default is not None:
        value = f"coalesce({value}, {column.default})"
    return f"CAST({value} AS {SQL_TYPES[column.kind]}) AS {column.name}"


def _may_be_null(column: Column) -> bool:
    return column.is_optional and column.default is None and column.default_column is None
