"""An expectation of ours in the terms of Great Expectations: its class, severity and text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from great_expectations.expectations.core.unexpected_rows_expectation import (
    UnexpectedRowsExpectation,
)
from great_expectations.expectations.metadata_types import FailureSeverity

from expectations.suite import Expectation, Result, Severity

_SEVERITIES: Final[Mapping[Severity, FailureSeverity]] = {
    "error": FailureSeverity.CRITICAL,
    "warn": FailureSeverity.WARNING,
}


def translated(row: Expectation | Result, query: str) -> UnexpectedRowsExpectation:
    """An expectation, or one of which the result is known; `query` finds what breaks it."""
    return UnexpectedRowsExpectation(
        unexpected_rows_query=query,
        severity=_SEVERITIES[row.severity],
        description=f"{row.table}: {row.name.replace('_', ' ')}. Else: {row.means}",
        meta={"name": row.name},
    )
