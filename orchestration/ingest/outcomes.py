"""The outcome of each file, and the tables that hold it.

Belongs here: counting and reporting. Does not: deciding anything.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final

from orchestration.ingest.datasets import DATASET_NAMES, Dataset
from orchestration.ingest.discovery import FoundFile, Note, RefusedEntry
from orchestration.ingest.quarantine import BadRow, FileFault

if TYPE_CHECKING:
    import duckdb

_BAD_ROWS_AT_ONCE: Final = 50_000  # a file may hold nothing else, and each may weigh a kilobyte


@dataclass
class FileOutcome:
    """A file on its way: how many rows were read so far, and what is wrong with it, if anything."""

    file_no: int
    dataset: str
    name: str
    format: str | None
    size_bytes: int | None
    rows_read: int = 0
    rows_quarantined: int = 0
    rows_deleted: int = 0  # by their source, with what they took with them
    rows_flagged: Counter[str] = field(default_factory=Counter)  # true, by unknown deletion flag
    lacking: tuple[str, ...] = ()  # optional columns that it does not have
    fault: FileFault | None = None

    @classmethod
    def of(cls, file_no: int, entry: FoundFile | RefusedEntry) -> "FileOutcome":
        """The outcome of an entry before anything was read."""
        if isinstance(entry, FoundFile):
            size_bytes = entry.identity.size_bytes
            return cls(file_no, entry.dataset, entry.name, entry.format.value, size_bytes)
        fault = FileFault(entry.reason, entry.detail)
        return cls(file_no, entry.dataset, entry.name, None, entry.size_bytes, fault=fault)

    @property
    def rows_loaded(self) -> int:
        """Rows in the raw table; a file is loaded but for bad and deleted rows, or not at all."""
        left_out = self.rows_quarantined + self.rows_deleted
        return 0 if self.fault else self.rows_read - left_out

    def refuse(self, fault: FileFault) -> None:
        """Quarantine the file as a whole. Its rows, good or bad, no longer count one by one."""
        self.fault = fault
        self.rows_quarantined = 0
        self.rows_flagged.clear()


def insert_bad_rows(
    connection: "duckdb.DuckDBPyConnection", bad_rows: Iterable[tuple[FileOutcome, BadRow]]
) -> None:
    """Add bad rows to quarantine_rows, and count them for their files."""
    remaining = iter(bad_rows)
    while records := list(islice(remaining, _BAD_ROWS_AT_ONCE)):
        for outcome, _ in records:
            outcome.rows_quarantined += 1
        _insert(
            connection,
            "quarantine_rows",
            [
                (
                    outcome.dataset,
                    outcome.name,
                    row.row_no,
                    row.column_name,
                    str(row.reason),
                    row.raw_text,
                    row.line_count,
                    row.found,
                    row.expected,
                )
                for outcome, row in records
            ],
        )


def withdraw(
    connection: "duckdb.DuckDBPyConnection", dataset: Dataset, outcomes: Iterable[FileOutcome]
) -> None:
    """Take back all rows of files that turned out bad as a whole after some were inserted."""
    named = [(outcome.file_no, outcome.name) for outcome in outcomes]
    if not named:
        return
    numbers, names = map(list, zip(*named, strict=True))
    for table in (dataset.rows_table, dataset.deletions_table):
        connection.execute(f"delete from {table} where file_no in (select unnest(?))", [numbers])
    connection.execute("delete from quarantine_rows where file in (select unnest(?))", [names])


def insert_outcomes(
    connection: "duckdb.DuckDBPyConnection",
    outcomes: Sequence[FileOutcome],
    folders: frozenset[str],
    notes: Sequence[Note],
) -> None:
    """Fill the tables that report on files: all but quarantine_rows and what is said of posts and ids."""
    faulty = [(outcome, outcome.fault) for outcome in outcomes if outcome.fault]
    tables: dict[str, list[tuple[object, ...]]] = {
        "ingest_files": [_file_row(outcome) for outcome in outcomes],
        "quarantine_files": [
            (outcome.dataset, outcome.name, fault.reason.value, fault.detail)
            for outcome, fault in faulty
        ],
        "fault_places": [
            (outcome.dataset, outcome.name, fault.line, column, found)
            for outcome, fault in faulty
            for column, found in fault.columns.items() or [(None, None)]
        ],
        "deletion_flags": [
            (outcome.dataset, outcome.name, name, rows)
            for outcome in outcomes
            for name, rows in sorted(outcome.rows_flagged.items())
            if rows
        ],
        "absent_columns": [
            (outcome.dataset, outcome.name, name)
            for outcome in outcomes
            if not outcome.fault
            for name in outcome.lacking
        ],
        "ingest_notes": [(note.kind, note.dataset, note.subject, note.detail) for note in notes],
        "ingest_datasets": [
            _dataset_row(name, outcomes, name in folders) for name in DATASET_NAMES
        ],
    }
    for table, rows in tables.items():
        _insert(connection, table, rows)


def _file_row(outcome: FileOutcome) -> tuple[object, ...]:
    return (
        outcome.file_no,
        outcome.dataset,
        outcome.name,
        outcome.format,
        outcome.size_bytes,
        outcome.rows_read,
        outcome.rows_loaded,
        outcome.rows_quarantined,
        outcome.rows_deleted,
        outcome.fault and outcome.fault.reason.value,
    )


def check_counts(
    connection: "duckdb.DuckDBPyConnection",
    table: str,
    outcomes: Iterable[FileOutcome],
    but_for: Collection[int] = (),
) -> None:
    """RuntimeError unless the raw table holds of every file, but for some, what its outcome says."""
    found = dict(
        connection.execute(f"select file_no, count(*) from {table} group by file_no").fetchall()
    )
    found = {file_no: rows for file_no, rows in found.items() if file_no not in but_for}
    expected = {
        outcome.file_no: outcome.rows_loaded
        for outcome in outcomes
        if outcome.rows_loaded and outcome.file_no not in but_for
    }
    if found != expected:
        raise RuntimeError(f"{table} holds other rows than were read: {found}, expected {expected}")


def _dataset_row(
    name: str, outcomes: Sequence[FileOutcome], has_folder: bool
) -> tuple[str, bool, int, int, int, int, int, int]:
    own = [outcome for outcome in outcomes if outcome.dataset == name]
    return (
        name,
        has_folder,
        len(own),
        sum(outcome.rows_read for outcome in own),
        sum(outcome.rows_loaded for outcome in own),
        sum(outcome.rows_quarantined for outcome in own),
        sum(outcome.rows_deleted for outcome in own),
        sum(outcome.fault is not None for outcome in own),
    )


def _insert(
    connection: "duckdb.DuckDBPyConnection", table: str, rows: Sequence[tuple[object, ...]]
) -> None:
    """Insert many rows at once; row by row DuckDB takes a millisecond for each."""
    import pyarrow as pa

    if not rows:
        return
    columns = [pa.array(values) for values in zip(*rows, strict=True)]
    names = [str(position) for position in range(len(columns))]
    connection.register("ingest_new_rows", pa.table(columns, names))
    connection.execute(f"insert into {table} select * from ingest_new_rows")
    connection.unregister("ingest_new_rows")
