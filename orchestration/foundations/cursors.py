"""Reading what a query found without keeping it all in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import duckdb

ROWS_A_FETCH: Final = 10_000


def each_row(cursor: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    """The rows that a query has found, one after the other; a few of them are in memory at a time."""
    while rows := cursor.fetchmany(ROWS_A_FETCH):
        yield from rows
