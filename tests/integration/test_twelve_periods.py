"""Twelve periods from the UI, and three shells beside them: who waits, who is refused, and no lock error."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path

import dagster as dg
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from orchestration.dagster_glue.partitions import partition_key
from orchestration.pipeline.home import Home
from orchestration.sample import write_sample
from orchestration.terms.load import load_program
from tests.conftest import Bonus
from tests.integration.test_many_runs import ENGINE_ERRORS, start
from tests.served_ui import serve_ui, wait_for

pytestmark = pytest.mark.long

PERIODS = 12
HELD = r"is being run by run [0-9a-f-]{36} \(process \d+\)"
"""What whoever meets a run of the same period is told."""


@pytest.fixture
def ours(tmp_path: Path) -> Bonus:
    write_sample(tmp_path / "ours", creators=60, periods=PERIODS)
    folder = tmp_path / "ours"
    return Bonus(folder / "program.yaml", folder / "landing", tmp_path / "home")


@pytest.fixture
def theirs(ours: Bonus, tmp_path: Path) -> Bonus:
    """Another program of the same home, with deliveries of its own."""
    folder = shutil.copytree(ours.program.parent, tmp_path / "theirs")
    name = load_program(ours.program).program.program
    text = (folder / "program.yaml").read_text(encoding="utf-8")
    (folder / "program.yaml").write_text(text.replace(name, "another-bonus"), encoding="utf-8")
    deals = folder / "landing" / "deals" / "deals.parquet"
    rows = pq.read_table(deals)
    column = rows.column_names.index("program")
    programs = pc.replace_substring(rows["program"], name, "another-bonus")
    pq.write_table(rows.set_column(column, "program", programs), deals)
    return Bonus(folder / "program.yaml", folder / "landing", ours.home)


def failures(home: Path, run_id: str) -> str:
    """The errors that a run's log has; a run that is refused fails before its first step."""
    with dg.DagsterInstance.from_config(str(Home(home).dagster)) as instance:
        events = [entry.dagster_event for entry in instance.all_logs(run_id)]
    data = [event.event_specific_data for event in events if event and event.is_failure]
    data += [
        event.event_specific_data for event in events if event and event.is_resource_init_failure
    ]
    return "\n".join(str(entry.error) for entry in data if entry)


def test_twelve_periods_from_the_ui_and_three_shells(
    ours: Bonus, theirs: Bonus, tmp_path: Path
) -> None:
    program = load_program(ours.program).program
    keys = [period.key for period in program.periods]
    log = tmp_path / "ui.log"
    with serve_ui(ours, log) as served:
        backfill = served.launch_backfill(
            [partition_key(program.program, key) for key in keys], by="grace"
        )
        shells = [
            start(ours, "run", *keys[:3], "--by", "ada"),
            start(ours, "run", *keys[-3:], "--by", "bob"),
            start(theirs, "run", *keys[:4], "--by", "eve"),
        ]
        said = [shell.communicate() for shell in shells]
        ended = wait_for("the backfill ends", lambda: served.backfill_ended(backfill), 900, log)
        runs = [run for run in served.runs() if "dagster/backfill" in run["tags"]]
    lost = [run["runId"] for run in runs if run["status"] != "SUCCESS"]
    print(Counter(run["status"] for run in runs), ended, [shell.returncode for shell in shells])

    # In the UI as in a shell: done, or refused with the name of the run that holds the period.
    assert len(runs) == PERIODS
    assert {run["status"] for run in runs} <= {"SUCCESS", "FAILURE"}
    assert [run for run in lost if not re.search(HELD, failures(ours.home, run))] == []
    for shell, (_, stderr) in zip(shells, said, strict=True):
        assert shell.returncode in (0, 4), stderr
        assert (shell.returncode == 4) == bool(re.search(HELD, stderr)), stderr
    assert shells[2].returncode == 0  # nobody else runs the other program

    everything = "".join(text for streams in said for text in streams) + log.read_text("utf-8")
    assert [error for error in ENGINE_ERRORS if error in everything] == []
    for bonus, published in ((ours, keys), (theirs, keys[:4])):
        states = {row["period"]: row["state"] for row in bonus.json("status")["periods"]}
        assert [key for key in keys if states[key] != "not published"] == published
        assert bonus("verify").returncode == 0
