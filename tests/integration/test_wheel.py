"""The wheel, installed by itself: everything works in an empty folder, away from any checkout."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest

from hatch_build import constraints_of
from orchestration.pipeline.code_fingerprint import code_fingerprint
from tests.conftest import ROOT
from tests.served_ui import end_ui, free_port, wait_for

pytestmark = pytest.mark.long


class Installed:
    """An environment that has the wheel and what it needs, an empty folder, and a user's own folders."""

    def __init__(self, folder: Path) -> None:
        self.desk = folder / "desk"
        self.desk.mkdir()
        self.wheel = self._built(folder / "dist")
        self.bin = folder / "venv" / "bin"
        self.environment = {
            "PATH": os.environ["PATH"], "LANG": "C.UTF-8",
            "HOME": str(folder / "user"), "XDG_CACHE_HOME": str(folder / "cache"),
        }  # fmt: skip
        self._install(folder)

    def _built(self, dist: Path) -> Path:
        self._do([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(dist)], ROOT)
        (wheel,) = dist.glob("*.whl")
        return wheel

    def _install(self, folder: Path) -> None:
        uv = str(Path(sys.executable).parent / "uv")
        self._do([uv, "venv", "--python", sys.executable, str(folder / "venv")], folder)
        self._do(
            [
                uv, "pip", "install", "--python", str(self.bin / "python"),
                "--constraint", str(self.wheel.parent / "constraints.txt"), str(self.wheel),
            ],
            folder,
        )  # fmt: skip

    def _do(self, command: list[str], folder: Path) -> None:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"

    def __call__(self, program: str, *arguments: str) -> str:
        """What a program of the environment prints, with the empty folder as working directory."""
        done = subprocess.run(
            [str(self.bin / program), *arguments],
            cwd=self.desk, env=self.environment, capture_output=True, text=True, timeout=900,
        )  # fmt: skip
        assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(tmp_path_factory.mktemp("wheel"))


def test_the_wheel_brings_two_names_and_the_versions_of_the_lock(installed: Installed) -> None:
    """docs/operations.md names the two."""
    with zipfile.ZipFile(installed.wheel) as wheel:
        tops = {name.partition("/")[0] for name in wheel.namelist()}
        shipped = wheel.read("orchestration/shipped/constraints.txt").decode()
        schemas = {path.name for path in (ROOT / "orchestration/payments/schemas").iterdir()}
        assert {f"orchestration/payments/schemas/{name}" for name in schemas} <= {*wheel.namelist()}
    assert tops == {"orchestration", "expectations", "creator_bonus-0.1.0.dist-info"}
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert shipped == constraints_of(lock)
    pinned = [
        line for line in lock.splitlines() if "==" in line and not line.startswith((" ", "#"))
    ]
    assert len(pinned) > 100
    without_extras = [re.sub(r"\[[^]]*\]", "", line) for line in pinned]
    assert shipped.splitlines() == [line.removesuffix("\\").strip() for line in without_extras]


def test_it_is_the_wheel_that_is_used_and_it_has_the_fingerprint_of_the_checkout(
    installed: Installed,
) -> None:
    """A home moves between the two: work files of the same code are taken on."""
    said = installed(
        "python", "-c",
        "from orchestration.pipeline import code_fingerprint as code, dbt_runner\n"
        "print(dbt_runner.PROJECT)\nprint(code.code_fingerprint())",
    ).splitlines()  # fmt: skip
    assert Path(said[0]).is_relative_to(installed.bin.parent)
    assert said[1] == code_fingerprint()


def test_the_demo_runs_in_an_empty_folder_and_writes_nothing_into_the_installation(
    installed: Installed,
) -> None:
    def files() -> set[Path]:
        packages = installed.bin.parent / "lib"
        return {path for path in packages.rglob("*") if path.suffix != ".pyc" and path.is_file()}

    before = files()
    said = installed("bonus", "demo", "--creators", "60", "--periods", "1")
    assert "5 of 5 gates held" in said
    assert "bonus ui --program demo/program.yaml" in said
    assert [path.name for path in installed.desk.iterdir()] == ["demo"]
    assert files() == before


def test_a_program_of_ones_own_begins_in_an_empty_folder_and_pays(installed: Installed) -> None:
    said = installed("bonus", "init", "mine", "--market", "FR", "--first", "2025-01")
    command = shlex.split(said.splitlines()[-1])
    assert "USD: earned 61.20, paid out 60.00" in installed(*command)


def test_the_ui_serves_the_demo(installed: Installed, tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    with log.open("wb") as said:
        process = subprocess.Popen(
            [
                str(installed.bin / "bonus"), "ui", "--port", str(port), "--home", "demo/home",
                "--program", "demo/program.yaml", "--landing", "demo/landing",
            ],
            cwd=installed.desk, env=installed.environment, stdout=said, stderr=said,
            stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

    def answer() -> bytes | None:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/bonus", timeout=60) as page:
                return page.read()
        except OSError:
            return None

    try:
        page = wait_for("the UI answers", answer, 180, log)
        assert b"2024-04" in page
    finally:
        end_ui(process, signal.SIGTERM)
