"""What the command line says of itself, and of an engine that this machine lacks."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from unittest.mock import patch

import pytest
from typer.testing import CliRunner

from orchestration.command_line.app import app
from orchestration.dagster_glue import run_in_process
from orchestration.pipeline import spark_session
from tests.conftest import BonusHere


def test_it_says_its_version() -> None:
    said = CliRunner().invoke(app, ["--version"])
    assert (said.exit_code, said.output) == (0, f"creator-bonus {version('creator-bonus')}\n")


@pytest.mark.parametrize(
    ("options", "environment"),
    [(["--engine", "spark"], {}), ([], {"BONUS_ENGINE": "spark"})],
    ids=["option", "environment"],
)
def test_a_demo_by_an_engine_that_is_not_here_writes_nothing(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    options: list[str],
    environment: dict[str, str],
) -> None:
    monkeypatch.setattr(spark_session, "find_spec", lambda name: None)
    out = tmp_path / "demo"
    said = CliRunner().invoke(app, ["demo", "--out", str(out), *options], env=environment)
    assert said.exit_code == 2
    assert "make install-spark" in said.output
    assert not out.exists()


def test_nothing_is_said_after_the_end() -> None:
    """Locks of dbt are put back, or a process of Python's complains of them on the terminal."""
    program = (
        "import multiprocessing, sys; lock = multiprocessing.get_context('spawn').RLock()\n"
        "from orchestration.command_line.app import run_as_process\n"
        "sys.argv = ['bonus', '--version']; run_as_process()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_demo_runs_no_program_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "landing").mkdir()
    (tmp_path / "program.yaml").write_text("program: own")
    said = CliRunner().invoke(app, ["demo", "--out", str(tmp_path)])
    assert said.exit_code == 2
    assert "is not of bonus sample" in said.output
    assert not (tmp_path / "home").exists()


def test_an_interrupted_command_says_so(sample: Path, tmp_path: Path) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    bonus = BonusHere(sample / "program.yaml", sample / "landing", tmp_path / "home")
    with patch.object(run_in_process, "run_period", interrupt):
        done = bonus("run", "2024-04", "--by", "ada")
    assert (done.returncode, done.stdout) == (130, "")
    assert "interrupted; what is published and closed is whole" in done.stderr


def test_a_home_without_a_name_is_none(sample: Path) -> None:
    """What a script makes of a variable that is not set; this folder would be taken else."""
    done = CliRunner().invoke(
        app, ["status", "--program", str(sample / "program.yaml"), "--home", ""]
    )
    assert done.exit_code == 2
    assert "expected a folder" in done.output
