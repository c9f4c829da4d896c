"""Parity: what Spark publishes is what DuckDB publishes, row by row (contract §9); and the gates on it say the same.

The rules are held on DuckDB by other tests; here it is held that the engine makes no difference. The
worked cases and the second implementation say what is right, so both engines could not be wrong alike.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import strategies as st

from expectations.suites import SUITES
from orchestration.pipeline.closing import close_period
from orchestration.pipeline.engines import SUITES_OF_MODELS, SparkEngine
from orchestration.pipeline.flow import run_all
from orchestration.pipeline.home import Home
from orchestration.pipeline.period_run import PeriodRun
from orchestration.pipeline.spark_session import spark_session
from orchestration.publishing.export import export_period
from orchestration.terms.load import load_program
from tests.conftest import SHARED
from tests.proof import proof
from tests.proof.campaign import Verdict, over
from tests.proof.cases import FORMATS, Case, Layout
from tests.proof.product import ask_suite
from tests.proof.programs import any_cases
from tests.worked import assert_equal

PROGRAMS = int(os.environ.get("SPARK_PROGRAMS", "50"))
WORKED = SHARED / "worked"
CASES = sorted(path.name for path in WORKED.glob("[0-9][0-9]")) or ["absent"]
RESTATEMENTS = sorted(path.name for path in WORKED.glob("restatement-*")) or ["absent"]
LAYOUTS = st.builds(
    Layout,
    formats=st.permutations(FORMATS).map(tuple),
    rows_a_file=st.integers(1, 9),
    seed=st.integers(0, 3),
)


class Books:
    """A home whose models Spark builds."""

    def __init__(self, folder: Path, program: Path, engine: SparkEngine) -> None:
        self.loaded = load_program(program)
        self.home = Home(folder)
        self.home.prepare()
        self.engine = engine
        self.program = self.loaded.program.program
        self.periods = [period.key for period in self.loaded.program.periods]

    def run(self, *periods: str, landing: Path) -> None:
        for period in periods:
            arguments = (self.home, self.program, period, "run", "ada", ask_suite)
            run = PeriodRun(*arguments, engine=self.engine)
            run_all(run, self.loaded.path, landing)
            demand_same_verdicts(run)

    def close(self, period: str) -> None:
        close_period(self.home, self.loaded, period, "grace", gate=ask_suite)

    def demand(self, out: Path, *expected: Path) -> None:
        """Every published period is as expected, in each of the folders."""
        for period, publication in self.home.store(self.program).published().items():
            export_period(publication, out / period)
            for folder in expected:
                assert_equal(out / period, folder / period)


def demand_same_verdicts(run: PeriodRun) -> None:
    """The gates on Spark have said what those on DuckDB say of the tables that came back."""
    from expectations.runner import run_suite

    record = run.state.read()
    assert record is not None
    for stage in SUITES_OF_MODELS:
        on_duckdb = run_suite(stage, SUITES[stage], run.work.path)
        assert record.gates[stage].results == on_duckdb.results


def test_the_executors_are_where_they_are_wanted(spark: SparkEngine, master: str) -> None:
    """On a cluster Spark's own count has the driver, too."""
    context = spark_session(spark.master).sparkContext
    assert context.master == master
    executors = context._jsc.sc().getExecutorMemoryStatus().size()
    if master.startswith("spark://"):
        assert context.parallelize(range(8), 8).map(lambda _: os.getpid()).distinct().count() > 1
        assert executors == 3
    else:
        assert executors == 1


@pytest.mark.long
@pytest.mark.parametrize("case", CASES)
def test_worked_case_is_equal(case: str, shared: Path, tmp_path: Path, spark: SparkEngine) -> None:
    folder = shared / "worked" / case
    books = Books(tmp_path / "home", folder / "program.yaml", spark)
    books.run(*books.periods, landing=folder / "landing")
    books.demand(tmp_path / "out", folder / "expected", folder / "explained")


@pytest.mark.long
@pytest.mark.parametrize("case", RESTATEMENTS)
def test_restatement_is_equal(case: str, shared: Path, tmp_path: Path, spark: SparkEngine) -> None:
    folder = shared / "worked" / case
    books = Books(tmp_path / "home", folder / "program.yaml", spark)
    first, *others = books.periods
    books.run(first, landing=folder / "landing-1")
    books.close(first)
    books.demand(tmp_path / "out-1", folder / "expected-1")
    books.run(first, *others, landing=folder / "landing-2")
    books.demand(tmp_path / "out-2", folder / "expected-2")


@pytest.mark.long
def test_real_counts_are_equal(shared: Path, tmp_path: Path, spark: SparkEngine) -> None:
    folder = shared / "data"
    books = Books(tmp_path / "home", folder / "trending-bonus.yaml", spark)
    books.run("2025-11-b", "2025-11-a", landing=folder / "landing")
    books.demand(tmp_path / "out", folder / "worked")
    assert len(books.home.store(books.program).published()) == 2


@pytest.mark.long
def test_drawn_programs_are_equal(monkeypatch: pytest.MonkeyPatch, spark: SparkEngine) -> None:
    """Drawn programs, read from files of all formats, against the second implementation."""

    def spark_run(*arguments: object, threads: int) -> PeriodRun:
        return PeriodRun(*arguments, gate=ask_suite, engine=spark)

    monkeypatch.setattr(proof, "fast_run", spark_run)
    verdict = Verdict()

    def check(drawn: tuple[Case, Layout]) -> None:
        case, layout = drawn
        verdict.demand(case, proof.prove(case, layout))

    over(st.tuples(any_cases(), LAYOUTS), PROGRAMS, check, name="spark", shrink=False)
