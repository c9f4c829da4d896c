"""The six periods of a sample, run one by one and as a backfill of the UI.

What is published of the sample holds every code of the contract; a real daemon's backfill publishes
the same bytes.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from orchestration.dagster_glue.partitions import partition_key
from orchestration.pipeline.flow import run_all
from orchestration.pipeline.home import Home
from orchestration.pipeline.run_state import STAGES
from orchestration.sample import write_sample
from orchestration.terms.load import load_program
from tests.conftest import Bonus, published_files
from tests.contract import CREATOR_REASONS, POST_REASONS
from tests.proof.product import fast_run
from tests.served_ui import serve_ui, wait_for
from tests.unit.sample.test_sample import STATUSES


@pytest.fixture(scope="module")
def six_periods(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("six")
    write_sample(folder, creators=80, periods=6)
    return folder


@pytest.fixture(scope="module")
def one_by_one(six_periods: Path, tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home in which the six periods were run in their order."""
    home = Home(tmp_path_factory.mktemp("one-by-one") / "home")
    home.prepare()
    program = load_program(six_periods / "program.yaml").program
    for period in program.periods:
        run_all(
            fast_run(home, program.program, period.key, f"run-{period.key}", "ada"),
            six_periods / "program.yaml",
            six_periods / "landing",
        )
    return home


def _published(home: Home, table: str, columns: str) -> set[tuple[str | None, ...]]:
    files = str(home.path / "published" / "*" / "*" / table / "*.parquet")
    with duckdb.connect() as connection:
        return set(
            connection.execute(
                f"select distinct {columns} from read_parquet($1, hive_partitioning = false)",
                [files],
            ).fetchall()
        )


def test_the_published_sample_holds_every_code(one_by_one: Home) -> None:
    reasons = "unnest(string_split(reasons, '|'))"
    creators = {reason for (reason,) in _published(one_by_one, "creator_eligibility", reasons)}
    posts = {reason for (reason,) in _published(one_by_one, "post_eligibility", reasons)}
    assert creators - {""} == CREATOR_REASONS
    assert posts - {""} == POST_REASONS
    statuses = _published(one_by_one, "payout_ledger", "status, coalesce(status_reason, '')")
    assert statuses == STATUSES


def test_error_gates_hold_on_the_sample_and_some_warnings_show(
    one_by_one: Home, six_periods: Path
) -> None:
    program = load_program(six_periods / "program.yaml").program
    published = one_by_one.store(program.program).published()
    assert list(published) == [period.key for period in program.periods]
    warned = set()
    for publication in published.values():
        gates = publication.record().gates
        assert set(gates) == set(STAGES)
        for result in gates.values():
            assert result.held
            warned |= {row.name for row in result.warnings}
    assert warned


@pytest.mark.long
def test_a_backfill_ends_in_the_same_bytes_as_runs_one_by_one(
    six_periods: Path, one_by_one: Home, tmp_path: Path
) -> None:
    program = load_program(six_periods / "program.yaml").program
    keys = [period.key for period in program.periods]
    bonus = Bonus(six_periods / "program.yaml", six_periods / "landing", tmp_path / "home")
    log = tmp_path / "ui.log"
    with serve_ui(bonus, log) as served:
        backfill = served.launch_backfill(
            [partition_key(program.program, key) for key in keys], by="grace"
        )
        status = wait_for("the backfill ends", lambda: served.backfill_ended(backfill), 400, log)
        runs = served.runs()
    assert {run["status"] for run in runs} == {"SUCCESS"}
    assert len(runs) == len(keys)
    assert status == "COMPLETED_SUCCESS"
    assert published_files(bonus.home) == published_files(one_by_one.path)

    # `bonus status` knows these runs like its own, and who started them.
    shown = {row["period"]: row for row in bonus.json("status")["periods"]}
    assert set(shown) == set(keys)
    for key in keys:
        run = next(run for run in runs if run["tags"]["dagster/partition"].endswith(f":{key}"))
        assert shown[key]["last_run"] == {
            "run_id": run["runId"], "job": "period", "status": "SUCCESS", "by": "grace",
        }  # fmt: skip
        assert shown[key]["published_run"] == run["runId"]
        assert shown[key]["by"] == "grace"
        assert (run["tags"]["program"], run["tags"]["period"]) == (program.program, key)
