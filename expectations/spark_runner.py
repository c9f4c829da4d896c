"""Runs a suite over the tables of a Spark session with Great Expectations: `runner.py` says the rest.

The queries of the suites are written once, as DuckDB spells them; sqlglot spells them for Spark.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from expectations.runner import cell_text, context_of_gates, results_of
from expectations.suite import Expectation, GateResult

if TYPE_CHECKING:
    from great_expectations.datasource.fluent.interfaces import Batch
    from pyspark.sql import SparkSession

# As the tables go to Spark: it has no such whole numbers, and every instant of it has a zone.
_TYPES: Final = {"INT128": "decimal(38, 0)", "TIMESTAMPNTZ": "timestamp"}
_BATCH: Final = "{batch}"
_BATCH_AS_A_NAME: Final = "the_batch"
# Not `work`, which is the gates' of a work file: the two may be open in one process.
_SOURCE: Final = "spark"


def run_suite_on_spark(
    name: str, suite: Sequence[Expectation], session: SparkSession
) -> GateResult:
    """Evaluates every expectation of `suite` over the tables of the database `main`, in order.

    As `run_suite`, it never raises for an expectation: what cannot be evaluated blocks.
    """
    session.sql("use main")
    context = context_of_gates()
    # Great Expectations would keep each table in memory.
    source = context.data_sources.add_spark(_SOURCE, persist=False)

    def batch(table: str) -> Batch:
        asset = source.add_dataframe_asset(table)
        definition = asset.add_batch_definition_whole_dataframe("whole")
        return definition.get_batch(batch_parameters={"dataframe": session.table(f"main.{table}")})

    try:
        return results_of(name, suite, batch, spelled=spelled_for_spark, shown=_cell_text)
    finally:
        context.data_sources.delete(_SOURCE)


def tables_of(suite: Iterable[Expectation]) -> list[str]:
    """The tables that the queries of a suite read, in alphabetical order."""
    from sqlglot import exp

    tables = set()
    for expectation in suite:
        tree = _parsed(expectation.sql())
        own = {query.alias for query in tree.find_all(exp.CTE)}
        tables |= {table.name for table in tree.find_all(exp.Table)} - own
    return sorted(tables)


@cache
def spelled_for_spark(query: str) -> str:
    """A query of a suite in the SQL of Spark: its names of types, and where nulls are sorted to."""
    from sqlglot import exp

    tree = _parsed(query.replace(_BATCH, _BATCH_AS_A_NAME))
    for kind in tree.find_all(exp.DataType):
        if kind.this.value in _TYPES:
            kind.replace(exp.DataType.build(_TYPES[kind.this.value], dialect="spark"))
    return str(tree.sql("spark")).replace(_BATCH_AS_A_NAME, _BATCH)


def _parsed(query: str) -> Any:
    from sqlglot import parse_one

    return parse_one(query, read="duckdb")


def _cell_text(value: object) -> str:
    """As a work file would have it: an instant in UTC, where pyspark gives the clock of this machine."""
    if isinstance(value, datetime) and value.tzinfo is None:
        value = value.astimezone(UTC).replace(tzinfo=None)
    return cell_text(value)
