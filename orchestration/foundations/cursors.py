"""Databases for a while, and reading what a query found without keeping it all in memory.

To make an instance of DuckDB takes 12 ms of CPU, to attach a database to one 0.3. So a process has one
instance for all that lasts for a few queries. Work files have limits of their own, and an instance each.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from secrets import token_hex
from tempfile import gettempdir
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import duckdb

ROWS_A_FETCH: Final = 10_000

_NUMBERS = count()


def sql_text(text: str) -> str:
    """The text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def each_row(cursor: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    """The rows that a query has found, one after the other; a few of them are in memory at a time."""
    while rows := cursor.fetchmany(ROWS_A_FETCH):
        yield from rows


@contextmanager
def scratch_database(path: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to an empty database in memory, or to a file that is made if it is not there.

    What is made in it is seen by nobody else. It is gone at the end of the block, a file is closed.
    """
    import duckdb

    connection, name = instance().cursor(), f"scratch_{next(_NUMBERS)}"
    place = ":memory:" if path is None else str(path)
    connection.execute(f"attach {sql_text(place)} as {name}")
    try:
        connection.execute(f"use {name}")
        yield connection
    finally:
        try:
            connection.execute("use memory")
            connection.execute(f"detach {name}")
        except duckdb.Error:
            # Of a full disk, or broken for good: whoever comes next gets a new one.
            _instance_of.cache_clear()
        connection.close()


def instance() -> duckdb.DuckDBPyConnection:
    """The one of this process; a query that makes nothing takes a cursor of it."""
    return _instance_of(os.getpid())


@cache
def _instance_of(_process: int) -> duckdb.DuckDBPyConnection:
    """A process that was forked off has none of the threads of the instance before it."""
    import duckdb

    # Made only by a query that does not fit in memory. Without it that would be `.tmp`, wherever
    # the command was started; nobody can know the name and put a link there.
    spill = Path(gettempdir()) / f"bonus-{token_hex(16)}"
    return duckdb.connect(config={"temp_directory": str(spill)})
