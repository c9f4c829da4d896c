"""The gates on Spark: of the same tables the verdict is that of the gates on DuckDB (contract §8)."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from expectations.runner import run_suite
from expectations.spark_runner import run_suite_on_spark, tables_of
from expectations.suite import Expectation, GateResult
from expectations.suites import SUITES
from orchestration.pipeline.engines import SUITES_OF_MODELS, SparkEngine
from orchestration.pipeline.spark_session import spark_session
from orchestration.pipeline.spark_tables import SparkFolder, hand_over
from tests.integration.books import Books
from tests.integration.defects import defect_of


@pytest.fixture(scope="module")
def work_file(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The work file of a period of the sample, whose tables DuckDB has made."""
    books = Books(tmp_path_factory.mktemp("gates") / "home", sample / "program.yaml")
    books.run(books.periods[0], sample / "landing")
    return books.home.work_folder(books.program.program, books.periods[0]) / "work.duckdb"


def verdicts(
    suite: list[Expectation], database: Path, engine: SparkEngine, folder: Path
) -> tuple[GateResult, GateResult]:
    """The results of a suite over a work file on DuckDB, and over the same tables on Spark."""
    on_duckdb = run_suite("gate", suite, database)
    session = spark_session(engine.master)
    with duckdb.connect(database) as connection:
        hand_over(connection, session, SparkFolder(folder), tables_of(suite))
    return on_duckdb, run_suite_on_spark("gate", suite, session)


@pytest.mark.parametrize("stage", SUITES_OF_MODELS)
def test_verdicts_are_those_of_duckdb(
    stage: str, work_file: Path, spark: SparkEngine, tmp_path: Path
) -> None:
    on_duckdb, on_spark = verdicts(list(SUITES[stage]), work_file, spark, tmp_path)
    assert on_spark == on_duckdb
    assert on_spark.held


@pytest.mark.parametrize("stage", SUITES_OF_MODELS)
def test_each_expectation_turns_red_with_the_same_rows(
    stage: str, work_file: Path, spark: SparkEngine, tmp_path: Path
) -> None:
    for number, expectation in enumerate(SUITES[stage]):
        spoilt = tmp_path / f"{number}.duckdb"
        shutil.copyfile(work_file, spoilt)
        with duckdb.connect(spoilt) as connection:
            connection.execute(defect_of(expectation))
        on_duckdb, on_spark = verdicts([expectation], spoilt, spark, tmp_path / str(number))
        assert on_spark == on_duckdb
        assert on_spark.results[0].state == "failed", expectation.name


def test_what_cannot_be_evaluated_blocks(
    work_file: Path, spark: SparkEngine, tmp_path: Path
) -> None:
    broken = Expectation("broken", "int_posts", "select no_such_column from {batch}", "never")
    _, on_spark = verdicts([broken], work_file, spark, tmp_path)
    assert on_spark.results[0].state == "not evaluated"
    assert "no_such_column" in str(on_spark.results[0].problem)
    assert not on_spark.held


def test_instants_of_failing_rows_are_in_utc(
    work_file: Path, spark: SparkEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pyspark gives them by the clock of this machine."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        rows = Expectation("rows", "int_posts", "select published_at from {batch} order by 1", "x")
        on_duckdb, on_spark = verdicts([rows], work_file, spark, tmp_path)
        assert on_spark == on_duckdb
    finally:
        monkeypatch.undo()
        time.tzset()


def test_great_expectations_may_be_imported_by_a_fork_server(spark: SparkEngine) -> None:
    """A process without a main file, in which an import of Spark Connect ends the process with status 0."""
    code = "import expectations.runner, sys; print('imported', file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "imported" in done.stderr
