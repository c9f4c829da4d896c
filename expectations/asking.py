"""Asks DuckDB itself what an expectation asks, without Great Expectations: in milliseconds, not seconds.

For whoever looks at data before a run. What blocks a run is the verdict of `runner.py` alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from expectations.suite import Expectation

if TYPE_CHECKING:
    import duckdb


def failing_rows(
    expectation: Expectation, connection: duckdb.DuckDBPyConnection
) -> list[dict[str, object]]:
    """All rows that break an expectation made by `no_rows`, in its order."""
    query = expectation.arguments["unexpected_rows_query"]
    found = connection.execute(query.replace("{batch}", f'"{expectation.table}"'))
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
