"""A backfill as the UI starts it, by a real daemon: the same bytes as runs one by one."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestration.partitions import partition_key
from orchestration.pipeline.home import Home
from orchestration.pipeline.period_run import PeriodRun
from orchestration.sample import write_sample
from orchestration.terms.load import load_program
from tests.conftest import Bonus, published_files
from tests.served_ui import REPOSITORY_SELECTOR, serve_ui, wait_for

LAUNCH = """
mutation Launch($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}
"""
STATUS = """
query Status($id: String!) {
  partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } }
}
"""


@pytest.fixture(scope="module")
def six_periods(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("six")
    write_sample(folder, creators=80, periods=6)
    return folder


def test_a_backfill_ends_in_the_same_bytes_as_runs_one_by_one(
    six_periods: Path, tmp_path: Path
) -> None:
    program = load_program(six_periods / "program.yaml").program
    keys = [period.key for period in program.periods]
    one_by_one = Home(tmp_path / "one-by-one")
    one_by_one.prepare()
    for key in keys:
        PeriodRun(one_by_one, program.program, key, f"run-{key}", "ada").run(
            six_periods / "program.yaml", six_periods / "landing"
        )

    bonus = Bonus(six_periods / "program.yaml", six_periods / "landing", tmp_path / "home")
    log = tmp_path / "ui.log"
    with serve_ui(bonus, log) as served:
        launched = served.query(
            LAUNCH,
            params={
                "selector": {
                    "partitionSetName": "period_partition_set",
                    "repositorySelector": REPOSITORY_SELECTOR,
                },
                "partitionNames": [partition_key(program.program, key) for key in keys],
                "tags": [{"key": "by", "value": "grace"}],
            },
        )["launchPartitionBackfill"]
        assert launched["__typename"] == "LaunchBackfillSuccess", launched
        backfill = launched["backfillId"]

        def ended() -> str | None:
            status: str = served.query(STATUS, id=backfill)["partitionBackfillOrError"]["status"]
            return None if status in {"REQUESTED", "CANCELING"} else status

        status = wait_for("the backfill ends", ended, 400, log)
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
            "run_id": run["runId"], "status": "SUCCESS", "by": "grace",
        }  # fmt: skip
        assert shown[key]["published_run"] == run["runId"]
        assert shown[key]["by"] == "grace"
        assert (run["tags"]["program"], run["tags"]["period"]) == (program.program, key)
