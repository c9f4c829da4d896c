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
from orchestration.foundations.cursors import scratch_database
from tests.proof.product import ask_expectation

Failing = Callable[[str, str, Severity], list[Mapping[str, str]]]
Given = Callable[..., None]


@pytest.fixture
def work() -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty database that stands for a work file."""
    with scratch_database() as connection:
        yield connection


@pytest.fixture
def given(work: duckdb.DuckDBPyConnection) -> Given:
    """given(table, columns, *rows): the work file has this table, with these rows."""

    def write(table: str, columns: str, *rows: tuple[object, ...]) -> None:
        work.execute(f"create or replace table {table} ({columns})")
        for row in rows:
            places = ", ".join("?" for _ in row)
            work.execute(f"insert into {table} values ({places})", list(row))

    return write


@pytest.fixture
def failing(work: duckdb.DuckDBPyConnection) -> Failing:
    """failing(suite, name, severity): the rows that break the expectation, which has this severity."""

    def rows_of(suite: str, name: str, severity: Severity) -> list[Mapping[str, str]]:
        (expectation,) = (row for row in SUITES[suite] if row.name == name)
        assert expectation.severity == severity
        return list(ask_expectation(expectation, work).rows)

    return rows_of
