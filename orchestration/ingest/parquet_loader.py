"""Parquet files into a raw table, or read in place by DuckDB where there are too many rows to copy.

Belongs here: schemas, scans over many files at once, and files that break while they are read. Does
not: which type may hold which kind of value (`cells.py`).

Nothing of a file's names reaches SQL. DuckDB takes column names without regard to case (`Views`
would do for `views`) and file names as patterns, so columns go by their position and files by
numbered links. Every file is read once by a DuckDB of its own before the work file sees it: a
broken file can end the DuckDB that reads it.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from orchestration.foundations.cursors import sql_text
from orchestration.foundations.file_patterns import exact_pattern
from orchestration.foundations.texts import shown
from orchestration.ingest.cells import (
    Beside,
    CellRules,
    missing_cell,
    parquet_cell,
    parquet_text,
)
from orchestration.ingest.columns import lacking_columns, unknown_columns
from orchestration.ingest.datasets import (
    NUMBERS,
    READ_BESIDE,
    UNKNOWN_DELETION_FLAGS,
    Dataset,
    Kind,
)
from orchestration.ingest.deletions import is_deleted, is_true
from orchestration.ingest.discovery import FoundFile
from orchestration.ingest.limits import (
    LONGEST_VALUE_BYTES,
    REPEATED_BYTES,
    demand_few_bad_rows,
    demand_plausible_values,
    demand_short_repeated,
    expands_too_much,
    most_expanded_bytes,
)
from orchestration.ingest.opening import check_unchanged, unreadable
from orchestration.ingest.outcomes import FileOutcome, withdraw
from orchestration.ingest.person_names import register_names
from orchestration.ingest.quarantine import FileFault, FileReason
from orchestration.ingest.raw_tables import NEVER, RowSource
from orchestration.ingest.snapshots import Tally
from orchestration.ingest.wide_decimals import copy_with_text

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_MOST_DECIMAL_DIGITS: Final = 38  # DuckDB reads wider decimals as doubles, without a word
_BYTES_TYPES: Final = ("BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY")
# Encodings in which a value that comes again takes no bytes of its own, or few.
_REPEATING_ENCODINGS: Final = frozenset({"PLAIN_DICTIONARY", "RLE_DICTIONARY", "DELTA_BYTE_ARRAY"})
_WIDE_DECIMAL: Final = "WIDE DECIMAL"

# A footer that says no value is below 0 would otherwise spare DuckDB the look at a value of -5.
_OPTIMIZERS_THAT_TRUST_STATISTICS: Final = (
    "filter_pushdown,statistics_propagation,join_filter_pushdown"
)


@dataclass(frozen=True)
class ParquetSchema:
    """The top-level columns of a file, in file order: names as written, types as DuckDB has them."""

    names: tuple[str, ...]
    types: tuple[str, ...]

    def wide_numbers(self, dataset: Dataset) -> list[int]:
        """Positions of the dataset's numbers that DuckDB would read as doubles."""
        numbers = {column.name for column in dataset.columns if column.kind in NUMBERS}
        pairs = zip(self.names, self.types, strict=True)
        return [
            position
            for position, (name, type_name) in enumerate(pairs)
            if name in numbers and type_name.startswith(_WIDE_DECIMAL)
        ]


@dataclass(frozen=True)
class LinkedFile:
    """A Parquet file under a name that is safe to give to DuckDB."""

    file: FoundFile
    outcome: FileOutcome
    link: str
    is_copied: bool = False  # since DuckDB could not read all of it exactly

    @property
    def copy(self) -> str:
        """The path of such a copy."""
        return self.link.removesuffix(".parquet") + "-as-text.parquet"

    @property
    def read_from(self) -> str:
        """The path that DuckDB reads."""
        return self.copy if self.is_copied else self.link


Span = tuple[datetime, datetime] | tuple[None, None]
"""The first and the last observed_at of good rows; nothing where there are none."""


@dataclass(frozen=True)
class InPlace:
    """A Parquet file that is read where it lies. `tally` is None where it was not counted in this run."""

    linked: LinkedFile
    schema: ParquetSchema
    has_bad: bool
    has_deleted: bool
    span: Span
    tally: Tally | None = None


def parquet_select(
    dataset: Dataset,
    schema: ParquetSchema,
    links: Sequence[str],
    file_nos: Sequence[int],
    rules: CellRules,
) -> RowSource:
    """SQL that reads Parquet files of one schema as rows of a dataset, all in one scan.

    `good_rows()` of what is returned will also do for a view over the files in place, but whoever
    queries such a view trusts the statistics in their footers (see `distrusting_statistics`).
    """
    positions = {name: position for position, name in enumerate(schema.names)}
    beside = Beside(
        **{
            name: parquet_text(kind, f"c{positions[name]}", schema.types[positions[name]]) or "NULL"
            for name, kind in (("program", Kind.IDENTIFIER), ("currency", Kind.CURRENCY))
            if name in positions
        }
    )
    cells = {}
    for column in dataset.columns:
        position = positions.get(column.name, -1)
        cells[column.name] = (
            missing_cell(column)
            if position < 0
            else parquet_cell(column, f"c{position}", schema.types[position], rules, beside)
        )
    read_beside = {
        name: (f"c{positions[name]}", schema.types[positions[name]])
        for name in READ_BESIDE
        if name in positions
    }
    flags = {
        name: is_true(*read_beside[name]) for name in UNKNOWN_DELETION_FLAGS if name in read_beside
    }
    aliases = ", ".join(f"c{position}" for position in range(len(schema.names)))
    numbers = ", ".join(map(str, file_nos))
    # With all columns renamed, the two virtual ones cannot be mistaken for columns of the file.
    relation = (
        f"(SELECT *, ([{numbers}])[CAST(file_index AS BIGINT) + 1] AS file_no, file_row_number + 1 AS row_no"
        f" {_scan(links)} AS file({aliases}))"
    )
    return RowSource(dataset, cells, relation, is_deleted(read_beside), flags=flags)


class ParquetLoader:
    """Loads the Parquet files of one dataset."""

    def __init__(
        self,
        connection: "duckdb.DuckDBPyConnection",
        dataset: Dataset,
        rules: CellRules,
        folder: Path,
        probe: "Probe",
    ) -> None:
        self.placed: list[InPlace] = []  # what was not copied
        self._connection = connection
        self._dataset = dataset
        self._rules = rules
        self._folder = folder  # of the links; what is read in place needs them for good
        self._probe = probe

    def load(self, files: Sequence[tuple[FoundFile, FileOutcome]]) -> dict[str, tuple[str, ...]]:
        """Read the files; gives the unknown columns by file. Faults go into the outcomes."""
        if not files:
            return {}
        unknown_names: dict[str, tuple[str, ...]] = {}
        groups: dict[ParquetSchema, list[LinkedFile]] = defaultdict(list)
        kept = self._dataset.is_read_in_place
        with _linked(self._folder, files, kept) as linked_files:
            for linked in linked_files:
                try:
                    _demand_plausible_size(linked.link, self._dataset)
                    schema = self._probe.schema(linked.link)
                    if wide := schema.wide_numbers(self._dataset):
                        copy_with_text(linked.link, linked.copy, wide)
                        linked = replace(linked, is_copied=True)
                        schema = self._probe.schema(linked.read_from)
                    unknown_names[linked.file.name] = unknown_columns(self._dataset, schema.names)
                    linked.outcome.lacking = lacking_columns(self._dataset, schema.names)
                    groups[schema].append(linked)
                except FileFault as fault:
                    linked.outcome.refuse(fault)
            for schema, group in groups.items():
                self._load_group(schema, group)
        return unknown_names

    def link(self, file: FoundFile, outcome: FileOutcome) -> LinkedFile:
        """A link for good to a file of which it is known what is in it."""
        with _linked(self._folder, [(file, outcome)], kept=True) as (linked,):
            return linked

    def rows_in_place(self, placed: Sequence[InPlace]) -> list[str]:
        """SQL of the rows of files that were not copied, one for each scan."""
        scans: dict[tuple[ParquetSchema, bool, bool], list[LinkedFile]] = defaultdict(list)
        for each in placed:
            scans[each.schema, each.has_bad, each.has_deleted].append(each.linked)
        return [
            self._rows_of(
                *scan,
                [linked.read_from for linked in group],
                [linked.outcome.file_no for linked in group],
            )
            for scan, group in scans.items()
        ]

    def _rows_of(
        self,
        schema: ParquetSchema,
        has_bad: bool,
        has_deleted: bool,
        links: Sequence[str],
        numbers: Sequence[int],
    ) -> str:
        rows = parquet_select(self._dataset, schema, links, numbers, self._rules)
        if not has_deleted:
            rows = replace(rows, deleted=NEVER)
        return rows.good_rows() if has_bad else rows.all_rows()

    def _load_group(self, schema: ParquetSchema, group: list[LinkedFile]) -> None:
        """Load files of one schema in one scan; where that fails, by halves to find the culprit."""
        import duckdb

        if not group:
            return
        links = [linked.read_from for linked in group]
        numbers = [linked.outcome.file_no for linked in group]
        rows = parquet_select(self._dataset, schema, links, numbers, self._rules)
        unsure = (
            self._probe.with_known_posts(rows, schema) if self._dataset.is_read_in_place else rows
        )
        try:
            counts = self._probe.counts(unsure, links, numbers)
        except FileFault as fault:
            if len(group) == 1:
                group[0].outcome.refuse(fault)
                return
            middle = len(group) // 2
            self._load_group(schema, group[:middle])
            self._load_group(schema, group[middle:])
            return
        if not all(_has_few_bad_rows(linked, counts[linked.outcome.file_no]) for linked in group):
            self._load_group(schema, [linked for linked in group if not linked.outcome.fault])
            return
        outcomes = [linked.outcome for linked in group]
        try:
            self._insert(rows, outcomes, counts.values())
        except duckdb.Error:
            # The probe has just read all of it: a file changed, or the trouble is not the files'.
            withdraw(self._connection, self._dataset, outcomes)
            unchanged = _without_changed(group)
            if len(unchanged) == len(group):
                raise
            self._load_group(schema, unchanged)
            return
        for outcome in outcomes:
            count = counts[outcome.file_no]
            outcome.rows_read, outcome.rows_quarantined = count.rows, count.bad
            outcome.rows_flagged = Counter(dict(zip(rows.flags, count.flagged, strict=True)))
        self._place(schema, group, counts)

    def _insert(
        self, rows: RowSource, outcomes: Sequence[FileOutcome], counts: "Collection[_Count]"
    ) -> None:
        """The rows of a group, but for those that are read in place: what is bad, deleted, and good of them."""
        if not any(count.deleted for count in counts):
            rows = replace(rows, deleted=NEVER)
        with distrusting_statistics(self._connection):
            if any(count.bad for count in counts):
                self._quarantine(rows, outcomes)
            if rows.deleted != NEVER:
                self._connection.execute(
                    f"insert into {self._dataset.deletions_table} {rows.deleted_rows()}"
                )
            if not self._dataset.is_read_in_place:
                self._connection.execute(
                    f"insert into {self._dataset.rows_table} {rows.good_rows()}"
                )

    def _place(
        self, schema: ParquetSchema, group: list[LinkedFile], counts: "Mapping[int, _Count]"
    ) -> None:
        """Keeps what was read of the files that have not changed meanwhile."""
        outcomes = [linked.outcome for linked in group]
        unchanged = _without_changed(group)
        changed = [linked.outcome for linked in group if linked.outcome.fault]
        if not self._dataset.is_read_in_place:
            withdraw(self._connection, self._dataset, changed)
            return
        if changed:  # what is read in place is read as a group
            withdraw(self._connection, self._dataset, outcomes)
            self._load_group(schema, unchanged)
            return
        for linked in group:
            count = counts[linked.outcome.file_no]
            self.placed.append(
                InPlace(linked, schema, count.bad > 0, count.deleted > 0, count.span, count.tally)
            )

    def remember(self, group: Sequence[LinkedFile]) -> None:
        """Note what the files are that are read in place, for whoever reads them later."""
        if not group:
            return
        self._connection.executemany(
            "insert into files_in_place values (?, ?, ?, ?, ?, ?, ?)",
            [(linked.file.name, linked.link, *linked.file.identity) for linked in group],
        )

    def _quarantine(self, rows: RowSource, outcomes: Sequence[FileOutcome]) -> None:
        """Copy the bad rows to quarantine_rows; there may be too many of them for Python."""
        names = ", ".join(f"({outcome.file_no}, {sql_text(outcome.name)})" for outcome in outcomes)
        self._connection.execute(
            "insert into quarantine_rows by name"
            f" select {sql_text(self._dataset.name)} as dataset, file, row_no, column_name, reason,"
            " found, expected, raw_text, 1 as line_count"
            f" from ({rows.bad_rows()}) join (values {names}) as names(file_no, file) using (file_no)"
        )


class _Count(NamedTuple):
    """Rows of a file."""

    rows: int
    bad: int
    deleted: int
    span: Span  # of the others
    tally: Tally | None  # of these
    flagged: Sequence[int]  # by unknown deletion flag


class Probe:
    """A DuckDB that may break: it reads what comes from outside before the work file does."""

    def __init__(self, like: "duckdb.DuckDBPyConnection") -> None:
        self._like = like
        self._connection: duckdb.DuckDBPyConnection | None = None  # until there is need of it
        self._known: pa.Table | None = None

    def know(self, posts: "pa.Table") -> None:
        """Keep posts, each once: its id and when it was published. Snapshots are held against them."""
        self.close()
        self._known = posts

    def with_known_posts(self, rows: RowSource, schema: ParquetSchema) -> RowSource:
        """The snapshots with `known_id`, null where it is of none of the posts, and `published_at`.

        A known id has been found good already, so there is no need to look at each of its letters.
        """
        if self._known is None:
            return rows
        column = rows.dataset.columns[0].name
        cell = rows.cells[column]
        is_text = schema.types[schema.names.index(column)] == "VARCHAR"
        key = _short(cell.sure) if is_text else f"({cell.value})"
        good = f"CASE WHEN known_id IS NOT NULL THEN true ELSE {cell.good} END"
        relation = f"({rows.relation} AS files LEFT JOIN known_posts ON {key} = known_id)"
        cells = {**rows.cells, column: replace(cell, good=good)}
        tallies = Tally.conditions("known_id", rows.cells["observed_at"].sure)
        instant = rows.cells["observed_at"].sure
        return replace(rows, cells=cells, relation=relation, tallies=tallies, instant=instant)

    def close(self) -> None:
        """Give back what it holds."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def schema(self, link: str) -> ParquetSchema:
        """The file's columns. FileFault if there is no telling them."""
        file = sql_text(exact_pattern(link))
        elements = self._fetch(
            "SELECT name, coalesce(num_children, 0), coalesce(precision, 0), type"
            f" FROM parquet_schema({file}) ORDER BY column_id",
            link,
        )
        described = self._fetch(f"DESCRIBE {_scan([link])}", link)
        names: list[str] = []
        types: list[str] = []
        for name, digits, physical_type in _top_level(elements):
            # Of columns named alike DuckDB renames one, but it keeps their order.
            type_name = described[len(names)][1] if len(names) < len(described) else ""
            if digits > _MOST_DECIMAL_DIGITS:
                type_name = f"{_WIDE_DECIMAL}({digits})"
            names.append(name)
            types.append(type_name)
            if physical_type == "INT96":
                _check_int96(link, name)
        if len(names) != len(described):
            raise FileFault(FileReason.UNREADABLE, "the schema has columns that cannot be read")
        return ParquetSchema(tuple(names), tuple(types))

    def counts(
        self, rows: RowSource, links: Sequence[str], file_nos: Sequence[int]
    ) -> dict[int, _Count]:
        """Rows and bad rows of each file. FileFault if not all of them can be read."""
        found = self._fetch(rows.counted_rows(), *links)
        none = Tally(0, 0, 0) if rows.tallies else None
        counts = dict.fromkeys(file_nos, _Count(0, 0, 0, (None, None), none, [0] * len(rows.flags)))
        for file_no, in_all, bad, deleted, first_at, last_at, *numbers in found:
            tally = Tally(*numbers[: len(rows.tallies)]) if rows.tallies else None
            flagged = numbers[len(rows.tallies) :]
            counts[file_no] = _Count(in_all, bad, deleted, (first_at, last_at), tally, flagged)
        for link, file_no in zip(links, file_nos, strict=True):
            file = sql_text(exact_pattern(link))
            promised = self._fetch(f"SELECT num_rows FROM parquet_file_metadata({file})", link)
            if promised != [(counts[file_no].rows,)]:
                raise FileFault(
                    FileReason.UNREADABLE, f"{counts[file_no].rows} rows, the footer says otherwise"
                )
        return counts

    def _fetch(self, sql: str, *links: str) -> list[tuple[Any, ...]]:
        import duckdb

        if self._connection is None:
            self._connection = _new_connection(self._like)
            register_names(self._connection)
            if self._known is not None:
                self._connection.register("posts", self._known)
                self._connection.execute(
                    "create table known_posts as select * from posts as of(known_id, published_at)"
                )
                self._connection.unregister("posts")
        try:
            return self._connection.execute(sql).fetchall()
        except (duckdb.Error, RuntimeError) as error:
            self.close()  # it may be past use
            message = str(error).split("\n", 1)[0]
            for link in links:
                message = message.replace(link, os.path.basename(link))
            raise unreadable(message) from error


@contextmanager
def _linked(
    folder: Path, files: Sequence[tuple[FoundFile, FileOutcome]], kept: bool
) -> Iterator[list[LinkedFile]]:
    """Numbered links to the files in the folder, for as long as they are needed, or for good."""
    folder.mkdir(parents=True, exist_ok=True)
    linked_files = []
    try:
        for file, outcome in files:
            link = os.path.join(os.path.abspath(folder), f"{outcome.file_no}.parquet")
            linked_files.append(LinkedFile(file, outcome, link))
            _remove(linked_files[-1])  # left over from a run that was killed
            os.symlink(file.path, link)
        yield linked_files
    finally:
        for linked in () if kept else linked_files:
            _remove(linked)


def _remove(linked: LinkedFile) -> None:
    for path in (linked.link, linked.copy):
        with suppress(FileNotFoundError):
            os.unlink(path)


def _new_connection(like: "duckdb.DuckDBPyConnection") -> "duckdb.DuckDBPyConnection":
    """A database in memory that takes no more of the machine than another one may."""
    import duckdb

    # Nothing a file says may make it fetch an extension.
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "disabled_optimizers": _OPTIMIZERS_THAT_TRUST_STATISTICS,
    }
    for name in ("threads", "memory_limit", "temp_directory"):
        ((config[name],),) = like.execute(f"SELECT current_setting('{name}')").fetchall()
    return duckdb.connect(":memory:", config=config)


@contextmanager
def distrusting_statistics(connection: "duckdb.DuckDBPyConnection") -> Iterator[None]:
    """Makes DuckDB look at every value instead of believing a footer about it."""
    setting = "SELECT current_setting('disabled_optimizers')"
    ((before,),) = connection.execute(setting).fetchall()
    connection.execute(f"SET disabled_optimizers = '{_OPTIMIZERS_THAT_TRUST_STATISTICS}'")
    try:
        yield
    finally:
        connection.execute(f"SET disabled_optimizers = {sql_text(before)}")


def _scan(links: Sequence[str]) -> str:
    files = ", ".join(sql_text(exact_pattern(link)) for link in links)
    return f"FROM read_parquet([{files}], hive_partitioning = false, union_by_name = false)"


def _top_level(elements: Sequence[tuple[Any, ...]]) -> Iterator[tuple[str, int, str | None]]:
    """Name, decimal digits and physical type of the columns at the top of a schema tree.

    The tree comes depth first, each element with the number of its children.
    """
    position = 1  # after the root
    while position < len(elements):
        name, _, digits, physical_type = elements[position]
        yield name, digits, physical_type
        unread = 1
        while unread and position < len(elements):
            unread += elements[position][1] - 1
            position += 1


def _without_changed(group: Sequence[LinkedFile]) -> list[LinkedFile]:
    """The files that are still what they were; the others are refused."""
    unchanged = []
    for linked in group:
        try:
            check_unchanged(linked.file)
            unchanged.append(linked)
        except FileFault as fault:
            linked.outcome.refuse(fault)
    return unchanged


def _short(text: str) -> str:
    """The text, null if no id is that long; so no letter of it is looked at."""
    return f"CASE WHEN strlen({text}) <= {LONGEST_VALUE_BYTES} THEN {text} END"


def _has_few_bad_rows(linked: LinkedFile, count: _Count) -> bool:
    """True if there are few enough to keep them one by one; else the file is refused."""
    try:
        demand_few_bad_rows(count.bad, count.rows)
    except FileFault as fault:
        linked.outcome.refuse(fault)
        return False
    return True


def _demand_plausible_size(link: str, dataset: Dataset) -> None:
    """FileFault if a file is far larger than its bytes, as its footer says, or repeats long values.

    DuckDB copies a value of a dictionary for each row; where the footer says that a column has none,
    its values are not looked at. It is Arrow that reads the footer: DuckDB
    would also show the statistics in it, and cannot show all of them.
    """
    from pyarrow import lib, parquet

    size_bytes = os.stat(link).st_size
    try:
        footer = parquet.read_metadata(link)
    except (lib.ArrowException, OSError) as error:
        raise unreadable(str(error)) from error
    groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
    chunks = [
        (number, group.num_rows, group.column(position))
        for number, group in enumerate(groups)
        for position in range(group.num_columns)
    ]
    values: dict[str, int] = defaultdict(int)
    for _, _, chunk in chunks:
        values[chunk.path_in_schema] += chunk.num_values
    rows = sum(group.num_rows for group in groups)
    demand_plausible_values(max(rows, *values.values(), 0), size_bytes)
    if sum(group.total_byte_size for group in groups) > most_expanded_bytes(size_bytes):
        raise expands_too_much(size_bytes)
    for number, row_count, chunk in chunks:
        name = chunk.path_in_schema
        is_text = name in dataset.column_names and chunk.physical_type in _BYTES_TYPES
        may_repeat = not _REPEATING_ENCODINGS.isdisjoint(chunk.encodings)
        if is_text and may_repeat and row_count * chunk.total_uncompressed_size > REPEATED_BYTES:
            demand_short_repeated(name, _longest_value(link, number, name), row_count)


def _longest_value(link: str, group: int, name: str) -> int:
    """Bytes of the longest value of a column of text in a row group, without repeating any."""
    from pyarrow import compute, lib, parquet

    try:
        with parquet.ParquetFile(link, read_dictionary=[name]) as file:
            column = file.read_row_group(group, columns=[name]).column(0)
            lengths = [
                compute.max(compute.binary_length(chunk.dictionary)).as_py()
                for chunk in column.chunks
            ]
    except (lib.ArrowException, OSError) as error:
        raise unreadable(str(error)) from error
    return max((length or 0 for length in lengths), default=0)


def _check_int96(link: str, name: str) -> None:
    """FileFault if a timestamp in the old 96-bit form is finer than a microsecond.

    DuckDB cuts such digits off. Beyond the years that 64 bits of nanoseconds cover (1677 to 2262)
    nobody can tell any more.
    """
    import numpy as np
    from pyarrow import lib, parquet

    def values(unit: str) -> "Iterator[np.ndarray[Any, np.dtype[np.int64]]]":
        with parquet.ParquetFile(link, coerce_int96_timestamp_unit=unit) as file:
            for batch in file.iter_batches(columns=[name]):
                yield batch.column(0).drop_null().cast("int64").to_numpy()

    try:
        for micro, nano in zip(values("us"), values("ns"), strict=True):
            is_covered = np.abs(micro) < np.iinfo(np.int64).max // 1000
            if (is_covered & (micro * 1000 != nano)).any():
                detail = f"{shown(name)}: timestamps finer than a microsecond"
                raise FileFault(FileReason.UNREADABLE, detail)
    except (lib.ArrowException, OSError) as error:
        raise unreadable(str(error)) from error
