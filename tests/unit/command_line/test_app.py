"""What the command line says of itself, and of an engine that this machine lacks."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestration.command_line.app import app
from orchestration.pipeline import spark_session


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
