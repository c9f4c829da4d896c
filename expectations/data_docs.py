"""Data Docs of Great Expectations: the verdicts of a run's gates as its users know them.

Made of what was recorded; no gate is asked again. Imports Great Expectations, which takes seconds.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

import great_expectations as gx
from great_expectations.core import ExpectationSuite, ExpectationSuiteValidationResult
from great_expectations.core.expectation_validation_result import ExpectationValidationResult
from great_expectations.core.run_identifier import RunIdentifier
from great_expectations.data_context.types.resource_identifiers import (
    ExpectationSuiteIdentifier,
    ValidationResultIdentifier,
)
from great_expectations.expectations.core.unexpected_rows_expectation import (
    UnexpectedRowsExpectation,
)

from expectations.suite import GateResult, Result
from expectations.suites import SUITES
from expectations.translated import translated


def write_data_docs(
    gates: Mapping[str, GateResult], run: str, ran_at: datetime, folder: Path
) -> Path:
    """Writes the pages of a run's gates, by stage, into a folder; gives the page to open.

    `run` and `ran_at` are shown as name and time of the run. What lies in the folder and has the
    name of a page is replaced. OSError if the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}  # type: ignore[assignment]
    for site in list(context.variables.data_docs_sites or {}):
        context.delete_data_docs_site(site)
    context.add_data_docs_site(
        "gates",
        {
            "class_name": "SiteBuilder",
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            "store_backend": {
                "class_name": "TupleFilesystemStoreBackend",
                "base_directory": str(folder.absolute()),
            },
        },
    )
    for stage, gate in gates.items():
        suite = context.suites.add(ExpectationSuite(name=stage))
        context.validation_results_store.set(
            ValidationResultIdentifier(
                ExpectationSuiteIdentifier(stage), RunIdentifier(run, ran_at), gate.suite
            ),
            _validation(suite, gate, run, ran_at),
        )
    context.build_data_docs()
    for stage in gates:  # the library logs what goes wrong with a page, and goes on
        if not any((folder / "validations" / stage / run).rglob("*.html")):
            raise RuntimeError(f"Great Expectations has made no page of the {stage} gate")
    return folder / "index.html"


def _validation(
    suite: ExpectationSuite, gate: GateResult, run: str, ran_at: datetime
) -> ExpectationSuiteValidationResult:
    queries = {row.name: row.query for row in SUITES.get(gate.suite, ())}
    results = []
    for result in gate.results:
        # A query that is not known any more was one of an older version.
        expectation = translated(result, queries.get(result.name, "{batch}"))
        suite.add_expectation(expectation)
        results.append(_outcome(result, expectation))
    held = sum(result.state == "held" for result in gate.results)
    return ExpectationSuiteValidationResult(
        success=gate.held,
        results=results,
        suite_name=suite.name,
        statistics={
            "evaluated_expectations": len(results),
            "successful_expectations": held,
            "unsuccessful_expectations": len(results) - held,
            "success_percent": 100 * held / len(results) if results else None,
        },
        meta={"run_id": {"run_name": run, "run_time": ran_at}},
    )


def _outcome(result: Result, expectation: UnexpectedRowsExpectation) -> ExpectationValidationResult:
    problem = {
        "raised_exception": result.state == "not evaluated",
        "exception_message": result.problem,
        "exception_traceback": "",
    }
    return ExpectationValidationResult(
        success=result.state == "held",
        expectation_config=expectation.configuration,
        result={"observed_value": result.failing_rows, "details": {"unexpected_rows": result.rows}},
        exception_info=problem,
        meta={},
    )
