"""Expectations over small tables: each is asked of DuckDB itself, which costs a hundredth of a gate.

That Great Expectations gives the same verdict, of every expectation, is seen by
tests/integration/test_gates.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import duckdb
import pytest

from expectations.suite import Severity
from expectations.suites import SUITES
from tests.proof.product import ask_expectation

Rows = list[Mapping[str, str]]


@pytest.fixture
def work() -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty database that stands for a work file."""
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture
def failing(work: duckdb.DuckDBPyConnection) -> Callable[[str, str, Severity], Rows]:
    """failing(suite, name, severity): the rows that break the expectation, which has this severity."""

    def rows_of(suite: str, name: str, severity: Severity) -> Rows:
        (expectation,) = (row for row in SUITES[suite] if row.name == name)
        assert expectation.severity == severity
        return list(ask_expectation(expectation, work).rows)

    return rows_of
