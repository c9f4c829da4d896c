"""Every expectation of every suite, given its defect, turns red; `docs/gates.md` lists them all."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from expectations.runner import run_suite
from expectations.suite import ROWS_IN_ALL, ROWS_OF_DATASET, Expectation
from expectations.suites import SUITES
from orchestration.dagster_glue.assets.ingest import GATE
from orchestration.dagster_glue.gates import check_results
from orchestration.ingest.datasets import DATASETS
from orchestration.pipeline.flow import run_all
from orchestration.pipeline.period_run import PeriodRun
from tests.conftest import ROOT
from tests.integration.books import Books
from tests.integration.defects import DEFECTS, defect_of
from tests.proof.product import CompiledModels, ask_expectation, ask_suite


@pytest.fixture(scope="module")
def work_files(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    """Work files after a whole run: of an open period, and (True) of a closed one run again."""
    folder = tmp_path_factory.mktemp("matrix")
    books = Books(folder / "home", sample / "program.yaml", fast=True)
    first, second = books.periods[:2]

    def run(period: str) -> None:
        run = PeriodRun(
            books.home, books.program.program, period, f"run-{period}", "ada", ask_suite,
            engine=CompiledModels(),
        )  # fmt: skip
        run_all(run, books.loaded.path, sample / "landing")

    for period in (first, second):
        run(period)
    books.close(first)
    run(first)
    return {
        period == first: books.home.work_folder(books.program.program, period) / "work.duckdb"
        for period in (first, second)
    }


@pytest.mark.parametrize("suite", list(SUITES))
def test_each_expectation_turns_red(
    suite: str, work_files: dict[bool, Path], tmp_path: Path
) -> None:
    import duckdb

    source = work_files[suite == "restatement"]
    before = {row.name: row for row in run_suite(suite, SUITES[suite], source).results}
    for expectation in SUITES[suite]:
        spoilt = tmp_path / "work.duckdb"
        shutil.copyfile(source, spoilt)
        with duckdb.connect(spoilt) as connection:
            connection.execute(defect_of(expectation))
            result = ask_expectation(expectation, connection)
        assert result.state == "failed", expectation.name
        # A few warnings fire on the sample as it is; the defect must add rows to them.
        assert result.failing_rows > before[expectation.name].failing_rows, expectation.name
        assert result.rows, expectation.name
        assert before[expectation.name].state != "not evaluated", expectation.name
        if expectation.severity == "error":
            assert before[expectation.name].state == "held", expectation.name


def test_the_verdict_comes_from_great_expectations(work_files: dict[bool, Path]) -> None:
    holds = Expectation("holds", "raw_posts", "select * from {batch} where false", "never")
    turned = Expectation("turned", "raw_posts", "select post_id from {batch}", "always")
    broken = Expectation("broken", "no_such_table", "select * from {batch}", "cannot be evaluated")
    database = work_files[False]
    assert run_suite("ingest", [holds], database).held
    red = run_suite("ingest", [holds, turned], database)
    assert not red.held
    assert red.results[1].failing_rows > 20
    assert len(red.results[1].rows) == 20
    assert run_suite("ingest", [broken], database).results[0].state == "not evaluated"
    assert not run_suite("ingest", [broken], database).held


def test_what_is_quarantined_turns_the_checks_of_its_datasets_red(
    work_files: dict[bool, Path], tmp_path: Path
) -> None:
    """With their own rows and counts, also of a dataset that has but one row among many."""
    import duckdb

    spoilt = tmp_path / "work.duckdb"
    shutil.copyfile(work_files[False], spoilt)
    with duckdb.connect(spoilt) as connection:
        connection.execute(
            "insert into quarantine_rows select 'deals', 'a.csv', range, 'deal_id', 'NULL', '', 1, '', '' from range(30)"
        )
        connection.execute(
            "insert into quarantine_rows values ('posts', 'b.csv', 2, 'post_id', 'NULL', '', 1, '', '')"
        )
        connection.execute(
            "insert into quarantine_files values ('post_metrics', 'c', 'UNREADABLE', '')"
        )
    tables = [key.asset_key.to_user_string() for key in GATE.check_keys]
    assert sorted(tables) == sorted(dataset.table for dataset in DATASETS)
    result = run_suite("ingest", SUITES["ingest"], spoilt)
    checks: list[Any] = list(check_results(result, tables, "/bonus/page"))
    for check in checks:
        words = [row.data["result"] for row in check.metadata["results"].records]
        assert check.passed is (set(words) == {"holds"})
        assert (
            check.metadata.get("rows") == dg.MetadataValue.url("/bonus/page")
        ) is not check.passed
    found = {
        check.asset_key.to_user_string(): (
            check.metadata["failing_rows_count"].value,
            {
                record.data["file"]
                for name, entry in check.metadata.items()
                if name.startswith("first_rows_of_no_")
                for record in entry.records
            },
        )
        for check in checks
        if not check.passed and check.severity == dg.AssetCheckSeverity.ERROR
    }
    shown = [
        column.name
        for check in checks
        for name, entry in check.metadata.items()
        if name.startswith("first_rows_of_")
        for column in entry.schema.columns
    ]
    assert "file" in shown
    assert not {ROWS_OF_DATASET, ROWS_IN_ALL}.intersection(shown)
    assert found == {
        "raw_deals": (30, {"a.csv"}),
        "raw_posts": (1, {"b.csv"}),
        "raw_post_metrics": (1, {"c"}),
    }


def test_the_matrix_in_the_docs_is_whole() -> None:
    """docs/gates.md has a row for each expectation, with its severity, and none of another."""
    text = (ROOT / "docs" / "gates.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| (\w+) \| `(\w+)` \| (error|warn) \|", text, re.MULTILINE)
    expected = [(suite, row.name, row.severity) for suite, rows in SUITES.items() for row in rows]
    assert sorted(listed) == sorted(expected)


def test_every_defect_belongs_to_an_expectation() -> None:
    names = {row.name for rows in SUITES.values() for row in rows}
    assert DEFECTS.keys() <= names
