"""Runs a suite over a work file with Great Expectations; the verdict is what it returns, no more.

Heavy to import (seconds), so it is imported by the gate worker only, or where a test wants it. The
same over the tables of a Spark session is `spark_runner.py`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

import great_expectations as gx
from great_expectations.data_context.data_context.abstract_data_context import AbstractDataContext
from great_expectations.datasource.fluent.interfaces import Batch

from expectations.dialect import close_all
from expectations.suite import SHOWN_ROWS, Expectation, GateResult, Result
from expectations.translated import translated

for _chatty in ("great_expectations", "great_expectations.data_context.types.base"):
    logging.getLogger(_chatty).setLevel(logging.ERROR)


@cache
def context_of_gates() -> AbstractDataContext:
    """The context of Great Expectations, one a process: it keeps nothing on disk."""
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]
    # It would still write itself out as YAML for each table that is added: half of what a gate takes.
    context._save_project_config = lambda: None  # type: ignore[method-assign]
    return context


def run_suite(
    name: str,
    suite: Sequence[Expectation],
    database: Path,
    settings: Mapping[str, str] | None = None,
) -> GateResult:
    """Evaluates every expectation of `suite` over the DuckDB file, in order; never raises for one.

    `settings` are DuckDB's, by name (`threads`, `memory_limit`).

    An expectation that cannot be evaluated (a table is missing, a query fails) is reported as such
    and blocks like a failed one. All connections to the file are closed at the end.
    """
    context = context_of_gates()
    source = context.data_sources.add_sql(
        "work",
        connection_string=f"duckdb+buffered:///{database.resolve()}?{urlencode(settings or {})}",
    )

    def batch(table: str) -> Batch:
        asset = source.add_table_asset(table, table_name=table)
        return asset.add_batch_definition_whole_table("whole").get_batch()

    try:
        return results_of(name, suite, batch, spelled=str, shown=cell_text)
    finally:
        context.data_sources.delete("work")
        close_all()


def results_of(
    name: str,
    suite: Sequence[Expectation],
    batch: Callable[[str], Batch],
    spelled: Callable[[str], str],
    shown: Callable[[object], str],
) -> GateResult:
    """Evaluates every expectation of `suite`, in order; never raises for one.

    `batch` gives a table by its name, and is asked once for each; `spelled` gives a query as the
    engine of the tables spells it, `shown` a value of a failing row as text.
    """
    batch_of = cache(batch)
    return GateResult(name, tuple(_evaluate(row, batch_of, spelled, shown) for row in suite))


def _evaluate(
    expectation: Expectation,
    batch_of: Callable[[str], Batch],
    spelled: Callable[[str], str],
    shown: Callable[[object], str],
) -> Result:
    shared = (expectation.name, expectation.table, expectation.severity, expectation.means)
    try:
        batch: Any = batch_of(expectation.table)  # its `validate` is added by a decorator
        outcome = batch.validate(
            translated(expectation, spelled(expectation.query)), result_format="COMPLETE"
        )
    except Exception as error:  # whatever the library raises, the gate must say it and block
        return Result(*shared, "not evaluated", problem=_one_line(error))
    if outcome.exception_info and outcome.exception_info.get("raised_exception", True):
        return Result(*shared, "not evaluated", problem=_exception_text(outcome.exception_info))
    if outcome.success:
        return Result(*shared, "held")
    rows = outcome.result["details"]["unexpected_rows"][:SHOWN_ROWS]
    texts = tuple({name: shown(value) for name, value in dict(row).items()} for row in rows)
    return Result(*shared, "failed", int(outcome.result["observed_value"]), texts)


def cell_text(value: object) -> str:
    """A value as it is shown: nothing for null, decimals without the zeros at their end."""
    if value is None:
        return ""
    if isinstance(value, Decimal) and value.is_finite():
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return str(value)


def _exception_text(info: Mapping[str, Any]) -> str:
    if "exception_message" in info:
        return _one_line(info["exception_message"])
    messages = [_one_line(entry.get("exception_message", entry)) for entry in info.values()]
    return "; ".join(dict.fromkeys(messages))


def _one_line(error: object) -> str:
    return " ".join(str(error).split())[:1_000]
