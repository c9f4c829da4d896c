"""Published tables as Parquet files with stable bytes (§9).

DuckDB orders and types the rows, pyarrow writes them: row groups of a fixed size, whatever the
number of threads, so the same rows are the same file.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.foundations.cursors import instance, sql_text
from orchestration.foundations.durable import sync
from orchestration.foundations.file_patterns import exact_pattern
from orchestration.publishing.tables import Table

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

ROWS_A_GROUP = 122_880
FILE_NAME = "part-0.parquet"


def select_published(table: Table, relation: str, first: tuple[str, ...] = ()) -> str:
    """SQL that reads `relation` with the columns and types of §9, sorted by `first` and by key."""
    columns = ", ".join(
        f'cast("{name}" as {kind}) as "{name}"' for name, kind in table.columns.items()
    )
    return f"select {columns} from {relation} order by {', '.join((*first, *table.key))}"


def empty(table: Table) -> str:
    """SQL of a table without rows."""
    columns = ", ".join(f'cast(null as {kind}) as "{name}"' for name, kind in table.columns.items())
    return f"(select {columns} where false)"


def read_published(table: Table, path: Path) -> str:
    """SQL that reads a table's file: all its columns of today, also where earlier code wrote it (§9).

    Sort it if the order matters. OSError where the file cannot be read.
    """
    found = _columns(path)
    later = "".join(
        f', cast({value} as {table.columns[name]}) as "{name}"'
        for name, value in table.later.items()
        if name not in found
    )
    source = sql_text(exact_pattern(path))
    return f"(select *{later} from read_parquet({source}, hive_partitioning = false))"


def _columns(path: Path) -> set[str]:
    """The columns of a file, read by DuckDB: a command that says something at once loads no second reader."""
    import duckdb

    path.stat()
    query = "select name from parquet_schema($1)"
    try:
        found = instance().cursor().execute(query, [exact_pattern(path)]).fetchall()
    except duckdb.Error as error:
        raise OSError(f"{path} is no Parquet file ({error})") from None
    return {name for (name,) in found}


def write_table(
    connection: duckdb.DuckDBPyConnection, table: Table, relation: str, folder: Path
) -> Path:
    """Writes a relation of `connection` as `<folder>/<table>/part-0.parquet` and flushes it to disk.

    Rows of a creator stand together, so that who asks for one reads a row group or two of each table.
    """
    first = ("creator_id",) if "creator_id" in table.columns else ()
    rows = connection.sql(select_published(table, relation, first)).to_arrow_table()
    path = folder / table.name / FILE_NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(rows, path)
    return path


def write_file(rows: pa.Table, path: Path) -> None:
    """Writes an Arrow table and flushes file and folder, so that a crash leaves no torn file behind."""
    import pyarrow.parquet as pq

    with path.open("wb") as file:
        pq.write_table(rows, file, row_group_size=ROWS_A_GROUP, compression="zstd", version="2.6")
        file.flush()
        os.fsync(file.fileno())
    sync(path.parent)
