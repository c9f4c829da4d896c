"""A program's books in tests: runs and closes in this process, with all gates, without Dagster."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from orchestration.pipeline.closing import close_period
from orchestration.pipeline.flow import run_all
from orchestration.pipeline.gate_worker import run_gate
from orchestration.pipeline.home import Home
from orchestration.pipeline.period_run import PeriodRun
from orchestration.pipeline.publishing import Published
from orchestration.pipeline.verifying import verify
from orchestration.pipeline.withdrawing import withdraw_period
from orchestration.publishing.store import Publication
from orchestration.records import CloseEntry, Totals
from orchestration.terms.load import LoadedProgram, load_program
from tests.proof.product import ask_suite, fast_run

LATER = date(2100, 1, 1)
"""A day on which every period of every test may be closed."""


class Books:
    """A fresh home for one program."""

    def __init__(self, home: Path, program_file: Path, *, fast: bool = False) -> None:
        """With `fast` the models run compiled and in memory, and gates are asked of DuckDB itself."""
        self.fast = fast
        self.home = Home(home)
        self.home.prepare()
        self.loaded: LoadedProgram = load_program(program_file)
        self.program = self.loaded.program
        self.periods = [period.key for period in self.program.periods]

    def copy(self, home: Path) -> Books:
        """The same books in another home, where all may be written, also what a close has sealed."""
        shutil.copytree(self.home.path, home, symlinks=True, dirs_exist_ok=True)
        for path in (home / "store").rglob("*"):
            path.chmod(0o700)
        return Books(home, self.loaded.path, fast=self.fast)

    def run(self, period: str, landing: Path, by: str = "ada") -> Published:
        arguments = (self.home, self.program.program, period, f"run-{period}-{by}", by)
        run = fast_run(*arguments) if self.fast else PeriodRun(*arguments)
        return run_all(run, self.loaded.path, landing)

    def withdraw(self, period: str) -> Mapping[str, Totals]:
        gate = ask_suite if self.fast else run_gate
        return withdraw_period(self.home, self.program, period, gate=gate)

    def close(self, period: str, by: str = "grace") -> CloseEntry:
        gate = ask_suite if self.fast else run_gate
        return close_period(self.home, self.loaded, period, by, LATER, gate=gate).entry

    @property
    def published(self) -> dict[str, Publication]:
        return self.home.store(self.program.program).published()

    @property
    def restated(self) -> dict[str, Publication]:
        return self.home.store(self.program.program).restated()

    @property
    def differences(self) -> list[str]:
        """What `bonus verify` finds."""
        return verify(self.home, self.program).differences

    def files(self, period: str) -> dict[str, bytes]:
        """All files of a published period, as its readers reach them."""
        folder = self.home.path / "published" / f"program={self.program.program}"
        period_folder = (folder / f"period={period}").resolve()
        return {
            str(path.relative_to(period_folder)): path.read_bytes()
            for path in sorted(period_folder.rglob("*"))
            if path.is_file()
        }
