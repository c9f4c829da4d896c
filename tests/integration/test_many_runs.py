"""Several runs at once in one home: what waits, what is refused, and what became of a dead one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

import dagster as dg
import pytest

from orchestration.dagster_glue.partitions import partition_key
from orchestration.pipeline.home import Home
from orchestration.sample import write_sample
from orchestration.terms.load import LoadedProgram, load_program
from tests.conftest import ROOT, Bonus

pytestmark = pytest.mark.long

ENGINE_ERRORS = ("lock on file", "database is locked", "OperationalError", "IO Error", "Traceback")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[LoadedProgram, Bonus]:
    folder = tmp_path_factory.mktemp("many")
    write_sample(folder, creators=60, periods=3)
    return load_program(folder / "program.yaml"), Bonus(
        folder / "program.yaml", folder / "landing", folder / "home"
    )


def start(bonus: Bonus, *arguments: str) -> subprocess.Popen[str]:
    """`bonus` as a process of its own, not waited for."""
    return subprocess.Popen(
        [sys.executable, "-m", "orchestration.command_line.app", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "BONUS_PROGRAM": str(bonus.program),
            "BONUS_LANDING": str(bonus.landing),
            "BONUS_HOME": str(bonus.home),
        },
    )


def holder(bonus: Bonus, program: str, period: str, process: subprocess.Popen[str]) -> Any:
    """What the lock says of the process, once it holds the period."""
    path = bonus.home / "locks" / f"{program}.{period}.json"
    while process.poll() is None:
        try:
            found = json.loads(path.read_text())
        except (OSError, ValueError):
            found = {}
        if found.get("pid") == process.pid:
            return found
        time.sleep(0.05)
    raise AssertionError(process.communicate())


def runs_of(bonus: Bonus, key: str) -> list[dg.DagsterRun]:
    """The runs of a partition, newest first."""
    with dg.DagsterInstance.from_config(str(Home(bonus.home).dagster)) as instance:
        return list(instance.get_runs(filters=dg.RunsFilter(tags={"dagster/partition": key})))


def test_three_periods_side_by_side_and_one_twice(place: tuple[LoadedProgram, Bonus]) -> None:
    loaded, bonus = place
    program = loaded.program.program
    periods = [period.key for period in loaded.program.periods]
    running = [start(bonus, "run", period, "--by", "ada") for period in periods]
    held = holder(bonus, program, periods[0], running[0])
    twice = bonus("run", periods[0], "--by", "bob")
    done = [(process.communicate(), process.returncode) for process in running]
    said = [text for streams, _ in done for text in streams] + [twice.stdout, twice.stderr]
    assert [status for _, status in done] == [0, 0, 0], said
    assert twice.returncode == 4
    assert f"is being run by run {held['run_id']} (process {held['pid']})" in twice.stderr
    assert not [error for error in ENGINE_ERRORS if error in "\n".join(said)]
    assert bonus("verify").returncode == 0
    # The refused command left no run behind.
    assert [len(runs_of(bonus, partition_key(program, period))) for period in periods] == [1, 1, 1]


def test_a_run_whose_process_died_is_marked_failed_by_the_next(
    place: tuple[LoadedProgram, Bonus],
) -> None:
    loaded, bonus = place
    program, period = loaded.program.program, loaded.program.periods[2].key
    key = partition_key(program, period)
    process = start(bonus, "run", period, "--by", "ada")
    held = holder(bonus, program, period, process)
    while not any(
        run.run_id == held["run_id"] and run.status == dg.DagsterRunStatus.STARTED
        for run in runs_of(bonus, key)
    ):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert runs_of(bonus, key)[0].status == dg.DagsterRunStatus.STARTED  # as Dagster has it
    again = bonus("run", period, "--by", "ada")
    assert again.returncode == 0, again.stderr
    newest, dead = runs_of(bonus, key)[:2]
    assert newest.status == dg.DagsterRunStatus.SUCCESS
    assert (dead.run_id, dead.status) == (held["run_id"], dg.DagsterRunStatus.FAILURE)
