"""Refused rows and files: the reasons, and the place where they are kept (contract §2, Bad rows; §9 for the folder).

Belongs here: the reason codes, the form of a bad row and of a fault in a file, and the quarantine
folder. Does not: the judging (`cells.py`, the readers), nor what quarantine does to a run (§8).
"""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from orchestration.foundations.cursors import sql_text

if TYPE_CHECKING:
    import duckdb

LONGEST_RAW_TEXT_CHARACTERS: Final = 1000
# A character of UTF-8 has at most 4 bytes, and one more covers a character that is cut in two.
_ENOUGH_BYTES: Final = 4 * (LONGEST_RAW_TEXT_CHARACTERS + 1)


class RowReason(StrEnum):
    """The reasons why a row is quarantined."""

    RAGGED = "RAGGED"
    NOT_UTF8 = "NOT_UTF8"
    UNPARSEABLE = "UNPARSEABLE"
    NULL = "NULL"
    OUT_OF_RANGE = "OUT_OF_RANGE"
    UNKNOWN_VALUE = "UNKNOWN_VALUE"


class FileReason(StrEnum):
    """The reasons why a whole file, folder or link is quarantined."""

    UNREADABLE = "UNREADABLE"
    MISSING_COLUMN = "MISSING_COLUMN"
    DUPLICATE_COLUMN = "DUPLICATE_COLUMN"
    MISSPELT_COLUMN = "MISSPELT_COLUMN"
    TABLE_FORMAT = "TABLE_FORMAT"
    UNKNOWN_FORMAT = "UNKNOWN_FORMAT"
    OUTSIDE_LANDING = "OUTSIDE_LANDING"
    CHANGED_WHILE_READ = "CHANGED_WHILE_READ"
    EXPANDS_TOO_MUCH = "EXPANDS_TOO_MUCH"
    TOO_MANY_BLANK_LINES = "TOO_MANY_BLANK_LINES"
    TOO_MANY_BAD_ROWS = "TOO_MANY_BAD_ROWS"


class FileFault(Exception):
    """A file cannot be used as a whole: none of its rows may be loaded."""

    def __init__(
        self, reason: FileReason, detail: str, columns: Mapping[str, str | None] | None = None
    ) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.columns = columns or {}  # column at fault -> what was found in its place, to be shown
        self.line: int | None = None  # where in a text file, if it is one line's fault


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is not loaded; without a column, the row as a whole is at fault."""

    row_no: int
    column_name: str | None
    reason: str  # a RowReason, or one a column, joined by |
    raw_text: str
    line_count: int = 1
    found: str | None = None  # what is there, in words or as it came; one a column, joined by " | "
    expected: str | None = None  # likewise


def raw_text(raw: bytes) -> str:
    """The row as it came, cut; bytes that are not UTF-8 as `\\xff`."""
    text = raw[:_ENOUGH_BYTES].decode("utf-8", "backslashreplace")
    return text[:LONGEST_RAW_TEXT_CHARACTERS]


_TABLES: Final = {
    "rows.parquet": """
        select dataset, file, row_no, column_name, reason, raw_text, line_count, found, expected
        from quarantine_rows order by all
    """,
    "files.parquet": """
        select dataset, file, reason, detail
        from quarantine_files order by all
    """,
    # Not refused, but not loaded either (§2): how many rows each file has that its source deleted.
    "deleted.parquet": """
        select dataset, file, rows_deleted as rows
        from ingest_files where rows_deleted > 0 order by all
    """,
}


def write_quarantine(connection: "duckdb.DuckDBPyConnection", folder: Path) -> None:
    """Write the quarantined rows and files of the work file, and the counts of deleted rows, as
    Parquet into the folder.

    All files are always written, so that none is left over from an earlier run; each is replaced in
    one step, and only after all are complete.
    """
    folder = Path(os.path.abspath(folder))
    folder.mkdir(parents=True, exist_ok=True)
    finished = {name: folder / f".{name}.{os.getpid()}" for name in _TABLES}
    try:
        for name, query in _TABLES.items():
            target = sql_text(str(finished[name]))
            connection.execute(f"copy ({query}) to {target} (format parquet, compression zstd)")
        for name, path in finished.items():
            os.replace(path, folder / name)
    finally:
        for path in finished.values():
            path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """The number of rows or whole files of a dataset that were refused for a reason (joined by `|`)."""

    dataset: str
    reason: str
    rows: int
    files: int


@dataclass(frozen=True, slots=True)
class QuarantineView:
    """The quarantine of a period: counts of all of it, and the first rows and files.

    Rows have dataset, file, row_no, column_name, reason, raw_text, line_count, found, expected (the
    last two not where an earlier version has written them); files dataset, file, reason, detail.
    `deleted` has dataset, file, rows: how many rows their source has deleted. Texts are as they came:
    whoever shows them makes them safe to show.
    """

    counts: list[ReasonCount]
    rows: list[dict[str, Any]]
    files: list[dict[str, Any]]
    deleted: list[dict[str, Any]]


def read_quarantine(folder: Path, limit: int) -> QuarantineView:
    """Reads the quarantine that the last ingest left, at most `limit` rows and files; FileNotFoundError if
    there was none. Batches are read one by one, so a big quarantine does not fill the memory."""
    rows_path, files_path, deleted_path = (folder / name for name in _TABLES)
    rows = Counter((row["dataset"], row["reason"]) for row in _read(rows_path, "dataset", "reason"))
    files = Counter(
        (row["dataset"], row["reason"]) for row in _read(files_path, "dataset", "reason")
    )
    return QuarantineView(
        [
            ReasonCount(dataset, reason, rows[dataset, reason], files[dataset, reason])
            for dataset, reason in sorted(rows.keys() | files.keys())
        ],
        list(islice(_read(rows_path), limit)),
        list(islice(_read(files_path), limit)),
        list(_read(deleted_path)) if deleted_path.exists() else [],  # an earlier version wrote none
    )


def _read(path: Path, *columns: str) -> Iterator[dict[str, Any]]:
    import pyarrow.parquet as pq

    # Opened here, since pyarrow takes some names for addresses.
    with path.open("rb") as file:
        for batch in pq.ParquetFile(file).iter_batches(columns=list(columns) or None):
            yield from batch.to_pylist()
