"""What happens to homes and runs on odd days: copied, stopped for a while, two over one landing directory."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg
import pytest

from orchestration.pipeline.home import Home
from orchestration.terms.load import load_program
from tests.conftest import ROOT, Bonus, published_files
from tests.integration.test_many_runs import holder, start

pytestmark = pytest.mark.long

HOLD_BOOKS = """
import sys, time
from pathlib import Path
from orchestration.pipeline.home import Home
with Home(Path(sys.argv[1])).program_lock(sys.argv[2]):
    print("held", flush=True)
    time.sleep(2)
"""


def looks(home: Path) -> dict[str, tuple[int, int]]:
    """Size and time of each file of a home."""
    return {
        str(path.relative_to(home)): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in home.rglob("*")
        if path.is_file()
    }


def test_a_copied_home_and_its_original_go_their_own_ways(sample: Path, tmp_path: Path) -> None:
    first, second = (period.key for period in load_program(sample / "program.yaml").program.periods)
    original = Bonus(sample / "program.yaml", sample / "landing", tmp_path / "home")
    assert original("run", first, "--by", "ada").returncode == 0
    subprocess.run(["cp", "-R", str(original.home), str(tmp_path / "copy")], check=True)
    copy = Bonus(sample / "program.yaml", sample / "landing", tmp_path / "copy")
    before = looks(original.home)
    for arguments in (
        ["status"], ["verify"], ["close", first, "--by", "grace"], ["run", second, "--by", "ada"],
    ):  # fmt: skip
        done = copy(*arguments)
        assert done.returncode == 0, (arguments, done.stderr)
    assert looks(original.home) == before
    assert original("run", second, "--by", "ada").returncode == 0
    assert original("close", first, "--by", "grace").returncode == 0
    assert published_files(original.home) == published_files(copy.home)
    assert original("verify").returncode == copy("verify").returncode == 0
    for bonus in (original, copy):
        with dg.DagsterInstance.from_config(str(Home(bonus.home).dagster)) as instance:
            assert len(instance.get_runs()) == 3


def test_two_homes_over_one_landing_directory_do_not_see_each_other(
    sample: Path, tmp_path: Path
) -> None:
    period = load_program(sample / "program.yaml").program.periods[0].key
    landing = shutil.copytree(sample / "landing", tmp_path / "landing")
    before = looks(landing)
    homes = [
        Bonus(sample / "program.yaml", landing, tmp_path / "one"),
        Bonus(sample / "program.yaml", landing, tmp_path / "two"),
    ]
    running = [start(bonus, "run", period, "--by", "ada") for bonus in homes]
    ended = [(process.communicate(), process.returncode) for process in running]
    assert [status for _, status in ended] == [0, 0], ended
    assert published_files(homes[0].home) == published_files(homes[1].home)
    assert looks(landing) == before


def test_a_run_that_is_stopped_for_a_while_holds_its_period_and_goes_on(
    sample: Path, tmp_path: Path
) -> None:
    loaded = load_program(sample / "program.yaml")
    program, first, second = (
        loaded.program.program, *(period.key for period in loaded.program.periods),
    )  # fmt: skip
    bonus = Bonus(sample / "program.yaml", sample / "landing", tmp_path / "home")
    stopped = start(bonus, "run", first, "--by", "ada")
    try:
        held = holder(bonus, program, first, stopped)
        stopped.send_signal(signal.SIGSTOP)
        refused = bonus("run", first, "--by", "bob")
        assert refused.returncode == 4
        assert f"run {held['run_id']} (process {stopped.pid})" in refused.stderr
        # It is not taken for dead, and who needs nothing of it is not held up.
        assert Home(bonus.home).dead_holder(program, first) is None
        for arguments in (["status"], ["run", second, "--by", "bob"], ["verify"]):
            done = bonus(*arguments)
            assert done.returncode == 0, (arguments, done.stderr)
    finally:
        stopped.send_signal(signal.SIGCONT)
    assert stopped.communicate() and stopped.returncode == 0
    assert bonus("verify").returncode == 0


def test_who_waits_for_books_that_a_stopped_process_holds_goes_on_after_it(
    sample: Path, tmp_path: Path
) -> None:
    loaded = load_program(sample / "program.yaml")
    bonus = Bonus(sample / "program.yaml", sample / "landing", tmp_path / "home")
    program, said = loaded.program.program, tmp_path / "said"
    stopped = subprocess.Popen(
        [sys.executable, "-c", HOLD_BOOKS, str(bonus.home), program],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert stopped.stdout is not None
        assert stopped.stdout.readline() == "held\n"
        stopped.send_signal(signal.SIGSTOP)
        with said.open("w") as into:
            waiting = subprocess.Popen(
                [
                    sys.executable, "-m", "orchestration.command_line.app",
                    "run", loaded.program.periods[0].key, "--by", "ada",
                    "--program", str(bonus.program), "--landing", str(bonus.landing),
                    "--home", str(bonus.home),
                ],
                cwd=ROOT, stdout=into, stderr=into,
            )  # fmt: skip
        until = time.monotonic() + 300
        while f"waiting for another run to publish {program}" not in said.read_text():
            assert waiting.poll() is None, said.read_text()
            assert time.monotonic() < until, said.read_text()
            time.sleep(0.2)
    finally:
        stopped.send_signal(signal.SIGCONT)
        stopped.communicate()
    assert waiting.wait() == 0, said.read_text()
    assert bonus("verify").returncode == 0
