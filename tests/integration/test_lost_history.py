"""A home that has lost what Dagster kept, in whole or in part: its books stand, and every command works (§10)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import dagster as dg
import pytest

from orchestration.dagster_glue.partitions import PERIODS, partition_key
from orchestration.pipeline.home import Home
from tests.conftest import BonusHere
from tests.integration.books import Books
from tests.integration.conftest import Commanded

LOST = {
    "dagster": ["dagster"],
    "dagster and where the files are": ["dagster", "programs"],
    "all that can be made again": ["dagster", "programs", "work", "cache", "locks"],
    "a partition, deleted in the UI": [],
}


@pytest.fixture
def published(commanded: Commanded) -> Books:
    """The sample's first period, run by ada from the command line; not to be changed."""
    return commanded.books


@pytest.mark.parametrize("lost", LOST)
def test_a_period_is_closed_whatever_of_the_history_is_lost(
    lost: str, published: Books, sample: Path, tmp_path: Path
) -> None:
    period, program = published.periods[0], published.program.program
    home = Home(shutil.copytree(published.home.path, tmp_path / "home", symlinks=True))
    for folder in LOST[lost]:
        shutil.rmtree(home.path / folder)
    if not LOST[lost]:
        home.prepare()
        with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
            instance.delete_dynamic_partition(str(PERIODS.name), partition_key(program, period))
    # BONUS_LANDING names a folder that is not there: a close reads none.
    bonus = BonusHere(sample / "program.yaml", tmp_path / "no landing", home.path)
    done = bonus("close", period, "--by", "grace")
    assert done.returncode == 0, done.stderr
    assert f"{period} is closed by grace" in done.stdout
    assert bonus("verify").returncode == 0
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        key = partition_key(program, period)
        (run,) = instance.get_runs(dg.RunsFilter(job_name="close"))
        assert (run.status, run.tags["dagster/partition"]) == (dg.DagsterRunStatus.SUCCESS, key)
        assert key in instance.get_dynamic_partitions(str(PERIODS.name))
    known = home.registrations()[program]
    assert known.program_file == sample / "program.yaml"
    assert known.landing == (None if "programs" in LOST[lost] else sample / "landing")


def test_a_close_that_names_a_landing_directory_registers_it(
    published: Books, sample: Path, tmp_path: Path
) -> None:
    home = Home(shutil.copytree(published.home.path, tmp_path / "home", symlinks=True))
    shutil.rmtree(home.path / "programs")
    bonus = BonusHere(sample / "program.yaml", sample / "landing", home.path)
    assert bonus("close", published.periods[0], "--by", "grace").returncode == 0
    assert home.registrations()[published.program.program].landing == sample / "landing"


def test_a_close_does_not_say_what_the_next_run_of_the_ui_reads(
    published: Books, sample: Path, tmp_path: Path
) -> None:
    """Else who closes would have somebody else run files of his own, and close that, too."""
    home = Home(shutil.copytree(published.home.path, tmp_path / "home", symlinks=True))
    before = home.registrations()
    own = shutil.copytree(sample, tmp_path / "own")
    bonus = BonusHere(own / "program.yaml", own / "landing", home.path)
    assert bonus("close", published.periods[0], "--by", "ada").returncode == 4
    assert home.registrations() == before
    assert bonus("close", published.periods[0], "--by", "grace").returncode == 0
    assert home.registrations() == before


def test_the_other_commands_work_in_a_home_that_lost_dagsters_history(
    published: Books, sample: Path, tmp_path: Path
) -> None:
    period = published.periods[0]
    home = shutil.copytree(published.home.path, tmp_path / "home", symlinks=True)
    bonus = BonusHere(sample / "program.yaml", sample / "landing", home)
    for arguments in (
        ["status"], ["verify"], ["export", period, "--out", str(tmp_path / "out")],
        ["report", period], ["quarantine", period],
    ):  # fmt: skip
        shutil.rmtree(home / "dagster", ignore_errors=True)
        shutil.rmtree(home / "programs", ignore_errors=True)
        done = bonus(*arguments)
        assert done.returncode == 0, (arguments, done.stderr)
        assert done.stderr == ""
    states = json.loads(bonus("status", "--json").stdout)["periods"]
    assert [(row["state"], row["last_run"]) for row in states] == [
        ("estimated", None), ("not published", None),
    ]  # fmt: skip
