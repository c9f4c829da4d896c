"""Applies each mutant of the SQL in a copy of the repository and says which test kills it.

    python -m tests.mutation.sql_mutants [--only PATTERN] [--cases]

A model's mutants go to its dbt unit tests. What survives of `macros/exact.sql` then goes to the property
tests of the macros, and of the models around post_metrics to the test that tells their rules one snapshot at
a time. Mutants of `orchestration/pipeline/earning.py` and of the gates' suites go to the unit tests of that
file. With --cases what survives goes to the worked cases beside the repository. Exit status 1 if a mutant survives, 2 if one cannot be applied or the tests fail without a mutant.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from orchestration.pipeline import dbt_runner
from orchestration.pipeline.work_file import WorkFile
from tests.conftest import SHARED
from tests.integration.test_dbt_unit_tests import empty_work_file
from tests.mutation.gate_mutant_list import GATE_MUTANTS
from tests.mutation.snapshot_mutant_list import SNAPSHOT_MUTANTS
from tests.mutation.sql_mutant_list import EARNING, EXACT, MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[2]
EARNING_TESTS = ("tests/unit/ledger/test_post_earnings.py", "tests/unit/pipeline/test_earning.py")
EXACT_TESTS = ("tests/unit/pipeline/test_exact_macros.py",)
SNAPSHOT_TESTS = ("tests/integration/test_snapshots.py",)
SNAPSHOT_MODELS = frozenset(mutant.path for mutant in SNAPSHOT_MUTANTS)
ALL_MUTANTS = (*MUTANTS, *SNAPSHOT_MUTANTS, *GATE_MUTANTS)
CASES = ("tests/integration/test_worked_cases.py", "-k", "test_case_is_equal and not through")


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant: `killed` by whom, `survived`, or `invalid` (no SQL at all)."""

    state: str
    by: str = ""


def mutated(text: str, mutant: Mutant) -> str:
    """The file with the mutant in it; ValueError if its place is not there, or not there once."""
    if text.count(mutant.old) != 1:
        raise ValueError(f"{mutant.path}: {mutant.old!r} stands {text.count(mutant.old)} times")
    return text.replace(mutant.old, mutant.new)


def _copy(folder: Path) -> Path:
    """The repository's files in a folder of their own."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for name in listed:
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    return folder


def _suite_tests(path: str) -> str:
    """The unit tests of a gate's suite."""
    return f"tests/unit/expectations/test_{Path(path).stem}.py"


class Killers:
    """The tests that a mutant must get past, over one copy of the repository."""

    def __init__(self, folder: Path) -> None:
        # Built from the models as they are: unit tests need the columns only.
        (folder / "work").mkdir()
        self.work: WorkFile = empty_work_file(folder / "work")
        self.target = folder / "target"
        self.copy = _copy(folder / "copy")
        dbt_runner.PROJECT = self.copy / "dbt_project"

    def verdict(self, mutant: Mutant, with_cases: bool) -> Verdict:
        path = self.copy / mutant.path
        original = path.read_text(encoding="utf-8")
        path.write_text(mutated(original, mutant), encoding="utf-8")
        try:
            verdict = self._of_its_own_tests(mutant)
            if verdict.state == "survived" and with_cases:
                verdict = self._pytest(*CASES)
            return verdict
        finally:
            path.write_text(original, encoding="utf-8")

    def without_a_mutant(self) -> Verdict:
        """Survived, unless a test fails by itself."""
        verdict = self._unit_tests("test_type:unit")
        if verdict.state != "survived":
            return verdict
        suites = sorted({_suite_tests(mutant.path) for mutant in GATE_MUTANTS})
        return self._pytest(*EARNING_TESTS, *EXACT_TESTS, *SNAPSHOT_TESTS, *suites)

    def _of_its_own_tests(self, mutant: Mutant) -> Verdict:
        if mutant.path == EARNING:
            return self._pytest(*EARNING_TESTS)
        if mutant.path.startswith("expectations/"):
            return self._pytest(_suite_tests(mutant.path))
        verdict = self._dbt(mutant)
        if verdict.state == "survived" and mutant.path == EXACT:
            verdict = self._pytest(*EXACT_TESTS)
        if verdict.state == "survived" and mutant.path in SNAPSHOT_MODELS:
            verdict = self._pytest(*SNAPSHOT_TESTS)
        return verdict

    def _dbt(self, mutant: Mutant) -> Verdict:
        is_macro = "/macros/" in mutant.path
        selection = "" if is_macro else f",{Path(mutant.path).stem}"
        return self._unit_tests(f"test_type:unit{selection}")

    def _unit_tests(self, selection: str) -> Verdict:
        result = dbt_runner._invoke(None, "test", self.work, self.target, ["--select", selection])
        failed = [row.node.name for row in result if row.status == "fail"]
        broken = [f"{row.node.name}: {row.message}" for row in result if row.status == "error"]
        if failed:
            return Verdict("killed", failed[0])
        return Verdict("invalid", broken[0]) if broken else Verdict("survived")

    def _pytest(self, *arguments: str) -> Verdict:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "--no-header", *arguments],
            cwd=self.copy,
            capture_output=True,
            text=True,
            env={**os.environ, "BONUS_SHARED": str(SHARED)},
        )
        if done.returncode == 0:
            return Verdict("survived")
        last = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
        state = "killed" if done.returncode == 1 else "invalid"
        return Verdict(state, (last or done.stdout.splitlines()[-1:])[0].removeprefix("FAILED "))


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--only", default="", help="mutants whose file or effect matches")
    arguments.add_argument("--cases", action="store_true", help="survivors go to the worked cases")
    options = arguments.parse_args()
    counts = {"killed": 0, "survived": 0, "invalid": 0}
    with tempfile.TemporaryDirectory() as folder:
        killers = Killers(Path(folder))
        alone = killers.without_a_mutant()
        if alone.state != "survived":
            print(f"the tests fail without a mutant: {alone.by}")
            return 2
        for mutant in ALL_MUTANTS:
            if not re.search(options.only, f"{mutant.path} {mutant.breaks}"):
                continue
            verdict = killers.verdict(mutant, options.cases)
            counts[verdict.state] += 1
            print(
                f"{verdict.state:9}{Path(mutant.path).name}: {mutant.breaks} [{verdict.by[:200]}]",
                flush=True,
            )
    print(", ".join(f"{count} {state}" for state, count in counts.items()))
    return 2 if counts["invalid"] else int(counts["survived"] > 0)


if __name__ == "__main__":
    sys.exit(main())
