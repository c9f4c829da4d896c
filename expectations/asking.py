"""Asks DuckDB itself what an expectation asks, without Great Expectations.

For tables that lie in no work file. What blocks a run is the verdict of `runner.py` alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from expectations.suite import Expectation

if TYPE_CHECKING:
    import duckdb


def failing_rows(
    expectation: Expectation, connection: duckdb.DuckDBPyConnection
) -> list[dict[str, object]]:
    """All rows that break an expectation, in the order of its query, by column."""
    found = connection.execute(expectation.sql())
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
