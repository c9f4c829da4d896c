"""What a run costs, by counts and not by the clock: a guard that no change makes it cost more unseen.

Reads are counted by the kernel (`rchar` of this process), as multiples of the size of post_metrics.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest
import sqlalchemy
from sqlalchemy.engine import Engine

from benchmarks.data import PERIOD, write_landing
from expectations.runner import run_suite
from expectations.suite import GateResult
from expectations.suites import SUITES
from orchestration.pipeline.building import build
from orchestration.pipeline.earning import earn
from orchestration.pipeline.gating import check
from orchestration.pipeline.home import Home
from orchestration.pipeline.ingesting import ingest
from orchestration.pipeline.period_run import PeriodRun
from orchestration.pipeline.publishing import publish

SNAPSHOTS = 300_000
NOISE = 0.3
"""Of the size of post_metrics: work file, other datasets, dbt's own files."""


@dataclass
class Costs:
    """Of one run: reads by stage or gate in sizes of post_metrics, and statements by gate."""

    reads: dict[str, float] = field(default_factory=dict)
    statements: Counter[str] = field(default_factory=Counter)
    told: list[str] = field(default_factory=list)
    rows: int = -1
    copied_rows: int = -1
    suspects: int = -1
    two_columns: float = -1
    """post_id and observed_at, in sizes of post_metrics."""


def _read_bytes() -> int:
    for line in Path("/proc/self/io").read_text(encoding="ascii").splitlines():
        name, number = line.split(": ")
        if name == "rchar":
            return int(number)
    raise AssertionError("the kernel does not count reads")


@contextmanager
def _statements(counted: Counter[str], gate: str) -> Iterator[None]:
    """Counts what Great Expectations sends to the engine."""

    def count(*_: object) -> None:
        counted[gate] += 1

    sqlalchemy.event.listen(Engine, "before_cursor_execute", count)
    try:
        yield
    finally:
        sqlalchemy.event.remove(Engine, "before_cursor_execute", count)


def _run(folder: Path, size: int) -> Costs:
    costs = Costs()

    @contextmanager
    def reads(what: str) -> Iterator[None]:
        before = _read_bytes()
        yield
        costs.reads[what] = (_read_bytes() - before) / size

    def gate(suite: str, database: Path) -> GateResult:
        with reads(f"gate {suite}"), _statements(costs.statements, suite):
            return run_suite(suite, SUITES[suite], database)

    home = Home(folder / "home")
    home.prepare()
    # The tables of a run before are not taken on: all of them are to be made here.
    shutil.rmtree(home.path / "work", ignore_errors=True)
    run = PeriodRun(home, "benchmark", PERIOD, "run", "ada", gate=gate, progress=costs.told.append)
    with reads("ingest"):
        ingest(run, folder / "program.yaml", folder / "landing")
    assert check(run, "ingest").held
    for stage in ("staging", "eligibility", "scoring"):
        with reads(stage):
            build(run, stage)
        assert check(run, stage).held
    with reads("earnings"):
        earn(run)
    publish(run)
    with run.work.connect() as connection:
        for name, table in (
            ("rows", "raw_post_metrics"),
            ("copied_rows", "copied_post_metrics"),
            ("suspects", "int_suspect_deliveries"),
        ):
            row = connection.execute(f"select count(*) from {table}").fetchone()
            assert row is not None
            setattr(costs, name, row[0])
    return costs


@pytest.fixture(scope="module")
def costs(tmp_path_factory: pytest.TempPathFactory) -> Costs:
    """The second of two runs: imports, dbt's manifest and the files' digests are there by then."""
    folder = tmp_path_factory.mktemp("costs")
    write_landing(folder, SNAPSHOTS)
    metrics = folder / "landing" / "post_metrics"
    whole = metrics / "all.parquet"
    # Uncompressed and without dictionaries, so that it outweighs all else that is read.
    duckdb.execute(
        f"copy (from read_parquet('{metrics}/day-*.parquet')) to '{whole}'"
        " (compression uncompressed, parquet_version v1, dictionary_size_limit 1)"
    )
    for day in metrics.glob("day-*.parquet"):
        day.unlink()
    size = whole.stat().st_size
    assert size > 50 * SNAPSHOTS
    (columns,) = duckdb.execute(
        "select sum(total_compressed_size) from parquet_metadata($1)"
        " where path_in_schema in ('post_id', 'observed_at')",
        [str(whole)],
    ).fetchall()
    _run(folder, size)
    costs = _run(folder, size)
    costs.two_columns = columns[0] / size
    return costs


def test_snapshots_are_checked_in_one_read_and_two_columns_list_the_early_ones(
    costs: Costs,
) -> None:
    """A third of these are observed before their post was published, so §8 has them listed.

    The longest id is looked for as well (`ingest/limits.py`), a fifth of a read that is in NOISE.
    """
    assert 0.5 < costs.reads["ingest"] < 1 + costs.two_columns + NOISE


def test_snapshots_are_aggregated_in_one_read_and_suspects_fetched_in_another(costs: Costs) -> None:
    assert costs.suspects > 0
    assert 0.5 < costs.reads["staging"] < 2 + NOISE


def test_nothing_else_reads_snapshots(costs: Costs) -> None:
    others = {name: read for name, read in costs.reads.items() if name not in ("ingest", "staging")}
    assert others.keys() > {f"gate {stage}" for stage in ("ingest", "staging", "ledger")}
    assert {name: read for name, read in others.items() if read > NOISE} == {}


def test_no_snapshot_of_a_parquet_file_is_copied(costs: Costs) -> None:
    assert costs.copied_rows == 0


def test_a_gate_asks_twice_an_expectation_and_once_a_table(costs: Costs) -> None:
    """For the rows, for their number, and whether the table is there."""
    assert costs.statements.keys() == SUITES.keys() - {"restatement"}
    for stage, sent in costs.statements.items():
        suite = SUITES[stage]
        tables = {expectation.table for expectation in suite}
        assert len(suite) <= sent <= 2 * len(suite) + len(tables), stage


def test_progress_says_which_stage_it_is_at(costs: Costs) -> None:
    stages = ("ingest", "staging", "eligibility", "scoring", "ledger")
    heads = [f"{stage} ({number} of 5)" for number, stage in enumerate(stages, start=1)]
    assert list(dict.fromkeys(text.split(": ")[0] for text in costs.told)) == heads
    assert f"ingest (1 of 5): post_metrics: {costs.rows:,} rows in 1 files" in costs.told
