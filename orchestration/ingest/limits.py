"""Limits on the cost of one landing file, so that a small one cannot take hours (contract §2).

Belongs here: the limits, and the faults of files beyond them. Does not: the counting, which the
readers do. Each limit lies far beyond what honest data was measured at; docs/decisions.md has the
figures.
"""

from typing import Final

from orchestration.ingest.quarantine import FileFault, FileReason

# A file of more columns is a mistake or an attack, and takes any reader minutes.
MOST_COLUMNS: Final = 10_000
# One record is held in memory as a whole, so a file of one endless line must end somewhere.
LONGEST_RECORD_BYTES: Final = 64 << 20
# No kind of value needs more. A dictionary of Parquet can repeat one value for nothing.
LONGEST_VALUE_BYTES: Final = 4096
# Decompressed bytes: so many are always allowed, and so many for each byte of the file.
EXPANDED_BYTES: Final = 256 << 20
EXPANDED_BYTES_A_BYTE: Final = 1000
# Values of a column of Parquet, where one that is repeated takes no bytes: likewise.
PARQUET_VALUES: Final = 10_000_000
PARQUET_VALUES_A_BYTE: Final = 20
# A value of a dictionary of Parquet, times the rows that may repeat it.
REPEATED_BYTES: Final = 10**10
# So many blank lines are always allowed (a spreadsheet has 2^20 rows), and one for each row.
BLANK_LINES: Final = 1 << 20
# So many bad rows are always kept one by one; beyond, only while they are not most of the file's.
BAD_ROWS: Final = 200_000


def most_expanded_bytes(size_bytes: int) -> int:
    """Up to how many bytes a compressed file of that size may expand."""
    return EXPANDED_BYTES + EXPANDED_BYTES_A_BYTE * size_bytes


def expands_too_much(size_bytes: int) -> FileFault:
    """The fault of a file that expands beyond `most_expanded_bytes`."""
    return FileFault(
        FileReason.EXPANDS_TOO_MUCH,
        f"its {size_bytes:,} bytes expand to over {most_expanded_bytes(size_bytes):,};"
        " deliver it in several files, or not compressed",
    )


def demand_plausible_values(values: int, size_bytes: int) -> None:
    """FileFault if a Parquet file has more values in a column than a file of that size may."""
    most = PARQUET_VALUES + PARQUET_VALUES_A_BYTE * size_bytes
    if values > most:
        raise FileFault(
            FileReason.EXPANDS_TOO_MUCH,
            f"its {size_bytes:,} bytes are {values:,} values of one column, over {most:,};"
            " deliver it in several files",
        )


def demand_short_repeated(name: str, longest_bytes: int, rows: int) -> None:
    """FileFault if a value of a Parquet column, so many bytes long, may be repeated too often."""
    if longest_bytes > LONGEST_VALUE_BYTES and longest_bytes * rows > REPEATED_BYTES:
        raise FileFault(
            FileReason.EXPANDS_TOO_MUCH,
            f"{name}: a value of {longest_bytes:,} bytes that {rows:,} rows may repeat;"
            f" values have at most {LONGEST_VALUE_BYTES:,} bytes",
        )


def demand_few_blank_lines(blank_lines: int, rows: int) -> None:
    """FileFault if a text file has far more blank lines than rows, so far."""
    if blank_lines > BLANK_LINES + rows:
        raise FileFault(
            FileReason.TOO_MANY_BLANK_LINES,
            f"{blank_lines:,} blank lines before row {rows + 1:,}; remove them",
        )


def may_be_too_many(bad: int) -> bool:
    """True if so many bad rows of a file are too many, unless it has far more rows that are good."""
    return bad > BAD_ROWS


def demand_few_bad_rows(bad: int, rows: int) -> None:
    """FileFault if most rows of a file are bad, so far, and too many to keep one by one."""
    if may_be_too_many(bad) and bad * 2 > rows:
        raise FileFault(
            FileReason.TOO_MANY_BAD_ROWS,
            f"{bad:,} of the first {rows:,} rows are bad; deliver a part of the file to see why",
        )


def too_long_a_record(line_no: int) -> FileFault:
    """The fault of a file with a record that cannot be held in memory."""
    limit = LONGEST_RECORD_BYTES >> 20
    return FileFault(
        FileReason.UNREADABLE, f"the record that begins on line {line_no} exceeds {limit} MiB"
    )
