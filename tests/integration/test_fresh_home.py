"""A home that many processes make at once, some of which die: each finds it whole, or makes it so (§10)."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from orchestration.dagster_glue.instance import DATABASES, open_instance
from orchestration.dagster_glue.partitions import PERIODS
from orchestration.pipeline.home import Home
from orchestration.terms.load import load_program
from tests.conftest import ROOT, Bonus

PROCESSES, LOOKING = 10, 2
"""As many as `fresh_home` starts, and those of them that make no run."""

DYING = [0, 4]
"""So many of them are killed: in one round each in `make test`, in thirty in `make test-long`."""


def rounds_of_ten(folder: Path, sample: Path, dying: list[int]) -> list[list[str]]:
    """How each of ten processes ended, in each of the fresh homes `home-0` and so on."""
    done = subprocess.run(
        [
            sys.executable, "-m", "tests.integration.fresh_home",
            str(folder), str(sample), *map(str, dying),
        ],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    ended: list[list[str]] = json.loads(done.stdout)
    assert [len(row) for row in ended] == [PROCESSES] * len(dying)
    return ended


def assert_whole(home: Path, sample: Path) -> None:
    """The databases are of one revision each, and hold every period once; nothing is left beside."""
    for database in DATABASES:
        with closing(sqlite3.connect(home / "dagster" / database.file)) as connection:
            (revisions,) = connection.execute("select count(*) from alembic_version").fetchone()
            assert (database.file, revisions) == (database.file, 1)
    program = load_program(sample / "program.yaml").program
    with open_instance(Home(home)) as instance:
        assert sorted(instance.get_dynamic_partitions(str(PERIODS.name))) == sorted(
            f"{program.program}:{period.key}" for period in program.periods
        )
    assert not (home / "dagster" / ".making").exists()


def test_the_first_command_in_a_fresh_home_says_what_it_is_asked_and_nothing_else(
    sample: Path, tmp_path: Path
) -> None:
    done = Bonus(sample / "program.yaml", sample / "landing", tmp_path / "home")("status")
    assert (done.returncode, done.stderr) == (0, "")
    assert "not published" in done.stdout


@pytest.mark.parametrize(
    "dying",
    [DYING, pytest.param(DYING * 30, marks=pytest.mark.long)],
    ids=["once", "30 times"],
)
def test_ten_processes_at_once_in_a_fresh_home_some_of_which_are_killed(
    dying: list[int], sample: Path, tmp_path: Path
) -> None:
    for number, ended in enumerate(rounds_of_ten(tmp_path, sample, dying)):
        killed, home = dying[number], tmp_path / f"home-{number}"
        assert set(ended[:killed]) <= {"well", "killed"}
        assert ended[killed:] == ["well"] * (PROCESSES - killed)
        assert_whole(home, sample)
        if not killed:
            with open_instance(Home(home)) as instance:
                assert len(instance.get_runs()) == PROCESSES - LOOKING


@pytest.mark.long
def test_five_runs_at_once_in_a_fresh_home_one_of_them_killed(sample: Path, tmp_path: Path) -> None:
    """As people start them: whole commands. Two periods, so three of five find theirs busy."""
    bonus = Bonus(sample / "program.yaml", sample / "landing", tmp_path / "home")
    periods = [period.key for period in load_program(sample / "program.yaml").program.periods]
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "orchestration.command_line.app", "run", periods[number % 2]],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={
                **os.environ, "BONUS_PROGRAM": str(bonus.program),
                "BONUS_LANDING": str(bonus.landing), "BONUS_HOME": str(bonus.home),
            },
        )
        for number in range(5)
    ]  # fmt: skip
    time.sleep(4)
    running[0].kill()
    ended = [(process.communicate(), process.returncode) for process in running][1:]
    for streams, status in ended:
        assert status in (0, 4), streams
        assert status == 0 or "is being run by run" in streams[1]
    assert bonus("run", *periods).returncode == 0
    assert bonus("verify").returncode == 0
    assert_whole(bonus.home, sample)
