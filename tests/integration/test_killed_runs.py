"""`kill -9` in each stage: what was published stays whole, and a plain rerun ends in the same bytes."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.pipeline.flow import run_all
from orchestration.pipeline.home import Home
from orchestration.pipeline.period_run import PeriodRun
from orchestration.terms.load import load_program
from tests.conftest import ROOT, published_files
from tests.integration.killed_run import POINTS
from tests.keeping import everything_is_kept


def _run(home: Home, sample: Path, period: str) -> None:
    program = load_program(sample / "program.yaml").program
    run_all(
        PeriodRun(home, program.program, period, "run", "ada"),
        sample / "program.yaml",
        sample / "landing",
    )


@pytest.fixture(scope="module")
def homes(
    sample: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Home, dict[str, bytes], dict[str, bytes]]:
    """A home with the first period, its files, and the files once the second is published too."""
    program = load_program(sample / "program.yaml").program
    first, second = (period.key for period in program.periods[:2])
    whole = Home(tmp_path_factory.mktemp("whole") / "home")
    whole.prepare()
    _run(whole, sample, first)
    before = published_files(whole.path)
    _run(whole, sample, second)
    home = Home(tmp_path_factory.mktemp("killed") / "home")
    home.prepare()
    _run(home, sample, first)
    return home, before, published_files(whole.path)


@pytest.mark.long
def test_killed_runs_leave_nothing_in_use(
    homes: tuple[Home, dict[str, bytes], dict[str, bytes]], sample: Path
) -> None:
    home, before, after = homes
    second = load_program(sample / "program.yaml").program.periods[1].key
    assert published_files(home.path) == before
    switched = False
    for point in POINTS:
        died = subprocess.run(
            [
                sys.executable, "-m", "tests.integration.killed_run",
                point, str(sample), str(home.path), second,
            ],
            cwd=ROOT, capture_output=True, text=True,
        )  # fmt: skip
        assert died.returncode == -signal.SIGKILL, (point, died.stderr)
        switched = switched or point == "publish, after the switch"
        assert published_files(home.path) == (after if switched else before), point
    with everything_is_kept():
        _run(home, sample, second)
    assert published_files(home.path) == after
    work = home.path / "work"
    assert not [path for path in work.rglob("*") if path.name.startswith(("new-", "scratch-"))]
    store = home.path / "store"
    linked = {
        link.resolve() for link in (home.path / "generations").glob("program=*/[0-9]*/published/*")
    }
    assert set(store.glob("program=*/period=*/*")) == linked
