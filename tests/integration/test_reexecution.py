"""Re-execution from failure, with inputs or work file changed in between or not (§8)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from orchestration.pipeline.home import Home
from orchestration.terms.load import load_program
from tests.conftest import ROOT, Bonus, published_files

pytestmark = pytest.mark.long

BAD_ROW = "creator_id,account_type,market,updated_at\nc-new,robot,US,2024-01-01T00:00:00Z\n"

NO_SCORING = """
from orchestration.command_line import app as cli
from orchestration.pipeline import dbt_runner
real = dbt_runner.build_models
def build_models(work, select):
    if select == "tag:scoring":
        raise dbt_runner.ModelsFailed("out of memory")
    return real(work, select)
dbt_runner.build_models = build_models
cli.main()
"""
"""`bonus` on a machine that is out of memory when it comes to scoring."""


@pytest.fixture(scope="module")
def delivery(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample that tests of this module may change, if they put it back."""
    return shutil.copytree(sample, tmp_path_factory.mktemp("delivery") / "sample")


@pytest.fixture
def late(delivery: Path) -> Iterator[Path]:
    """A file of the delivery that may be there or not; gone at the end."""
    path = delivery / "landing" / "creators" / "late.csv"
    yield path
    path.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def out_of_memory(delivery: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose only run has failed in scoring; not to be changed."""
    home = tmp_path_factory.mktemp("failed") / "home"
    done = subprocess.run(
        [sys.executable, "-c", NO_SCORING, "run", first_period(delivery)],
        cwd=ROOT, capture_output=True, text=True, env={**os.environ, **environment(delivery, home)},
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "out of memory" in done.stderr
    return home


@pytest.fixture
def failed(out_of_memory: Path, tmp_path: Path) -> Path:
    return shutil.copytree(out_of_memory, tmp_path / "home", symlinks=True)


def first_period(delivery: Path) -> str:
    return load_program(delivery / "program.yaml").program.periods[0].key


def environment(delivery: Path, home: Path) -> dict[str, str]:
    program, landing = str(delivery / "program.yaml"), str(delivery / "landing")
    return {"BONUS_PROGRAM": program, "BONUS_LANDING": landing, "BONUS_HOME": str(home)}


def bonus_in(delivery: Path, home: Path) -> Bonus:
    return Bonus(delivery / "program.yaml", delivery / "landing", home)


def reexecuted(home: Path) -> Any:
    """What became of the last run, re-executed from its failure on."""
    with dg.DagsterInstance.from_config(str(Home(home).dagster)) as instance:
        run_id = instance.get_runs(limit=1)[0].run_id
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.reexecute", run_id],
        cwd=ROOT, capture_output=True, text=True, env={**os.environ, "BONUS_HOME": str(home)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_what_failed_for_no_fault_of_the_data_goes_on(
    failed: Path, delivery: Path, tmp_path: Path
) -> None:
    again = reexecuted(failed)
    assert again["success"], again
    assert "ingest" not in again["steps"]
    whole = bonus_in(delivery, tmp_path / "whole")
    assert whole("run", first_period(delivery)).returncode == 0
    assert published_files(failed) == published_files(whole.home)
    assert bonus_in(delivery, failed)("verify").returncode == 0


def test_a_repaired_delivery_is_not_mistaken_for_what_the_gate_saw(
    delivery: Path, late: Path, tmp_path: Path
) -> None:
    bonus = bonus_in(delivery, tmp_path / "home")
    late.write_text(BAD_ROW, encoding="utf-8")
    assert bonus("run", first_period(delivery)).returncode == 3
    unrepaired = reexecuted(bonus.home)
    assert not unrepaired["success"]
    assert "raw_creators: gate" in unrepaired["said"][0]
    late.unlink()
    repaired = reexecuted(bonus.home)
    assert not repaired["success"]
    assert "changed after ingest; nothing is published. Run the period again" in repaired["said"][0]
    assert published_files(bonus.home) == {}
    assert bonus("run", first_period(delivery)).returncode == 0


def edit_work_file(home: Path, _: Path) -> None:
    (work,) = (home / "work").glob("*/*/work.duckdb")
    with duckdb.connect(work) as connection:
        connection.execute("update creator_eligibility set eligible = true, reasons = ''")


def deliver_more(_: Path, late: Path) -> None:
    late.write_text("creator_id,account_type,market,updated_at\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (edit_work_file, "is not as the stage before left it"),
        (deliver_more, "changed after ingest; nothing is published. Run the period again"),
    ],
)
def test_what_changed_in_between_is_refused(
    change: Callable[[Path, Path], None], said: str, failed: Path, late: Path
) -> None:
    change(failed, late)
    again = reexecuted(failed)
    assert not again["success"]
    assert said in again["said"][0]
    assert published_files(failed) == {}
