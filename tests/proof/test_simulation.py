"""Simulated tables are those of a fresh home in which each period is run and closed in turn (§13)."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest

from orchestration.pipeline.closing import close_period
from orchestration.pipeline.flow import run_all
from orchestration.pipeline.home import Home
from orchestration.pipeline.refusals import GateFailed
from orchestration.pipeline.withdrawing import withdraw_period
from orchestration.publishing.store import file_hashes
from orchestration.simulation.simulate import simulated
from orchestration.terms.load import LoadedProgram, load_program
from tests.proof.campaign import SHARE_THAT_IS_SIMULATED, Verdict, over, share
from tests.proof.cases import Case
from tests.proof.compare import differences, published_rows
from tests.proof.product import ask_suite, fast_run, new_home, rows_reader
from tests.proof.programs import any_cases
from tests.proof.proof import CLOSER, Product, written


def _other_terms(text: str) -> str:
    """The same program with a minimum of views of its own, where the file gives one."""
    return text.replace("minimum_views: ", "minimum_views: 1")


def _found(case: Case) -> list[str] | None:
    """What differs; None where nothing can be compared: not all periods are published.

    All periods are those of a fresh home. Those that are open behind closed ones are those of a copy
    of the home in which they are withdrawn first.
    """
    with written(case) as files, tempfile.TemporaryDirectory() as folder:
        product = Product(case, files, reads_files=False)
        for step in case.steps:
            product.do(step)
        other_file = files.home.with_name("other.yaml")
        other_file.write_text(_other_terms(case.program), encoding="utf-8")
        other = load_program(other_file)
        keys = [period.key for period in other.program.periods]
        published = product.home.store(product.program).published()
        if sorted(keys) != sorted(published):
            return None
        still_open = [key for key in keys if published[key].seal is None]
        found = _differing(product, other, keys, new_home(Path(folder) / "fresh"))
        if still_open and still_open != keys:
            shutil.copytree(product.home.path, Path(folder) / "copy", symlinks=True)
            copy = Home(Path(folder) / "copy")
            for key in reversed(still_open):
                withdraw_period(copy, product.loaded.program, key, gate=ask_suite)
            found += _differing(product, other, still_open, copy)
        return found


def _differing(product: Product, other: LoadedProgram, keys: list[str], home: Home) -> list[str]:
    """What differs between a simulation and a home in which the periods are run and closed in turn."""
    landing, reader = product.files.landings[-1], rows_reader(product.case.landings[-1])
    blocked = None
    try:
        for key in keys:
            run = fast_run(home, product.program, key, f"fresh-{key}", "ada")
            run_all(run, other.path, landing, reader)
            close_period(home, other, key, CLOSER, gate=ask_suite)
    except GateFailed as failure:
        blocked = (failure.period, failure.stage)
    before = file_hashes(product.home.path)
    expected, found = home.store(product.program).published(), []
    try:
        with simulated(
            product.home, product.loaded, other, keys, landing, fast_run, reader
        ) as pairs:
            for key, pair in pairs.items():
                if blocked:
                    found.append(f"{key} is simulated, though {blocked} has blocked it")
                else:
                    rows = published_rows(expected[key])
                    found += differences(key, published_rows(pair.after), rows)
    except GateFailed as failure:
        if (failure.period, failure.stage) != blocked:
            found.append(f"{failure.period} was blocked by {failure.stage}, not {blocked}")
    if file_hashes(product.home.path) != before:
        found.append("the home is not as before")
    return found


@pytest.mark.long  # tests/integration/test_simulation.py does so with one small program
def test_simulated_tables_are_those_of_a_fresh_home() -> None:
    verdict, compared = Verdict(), []

    def check(case: Case) -> None:
        found = _found(case)
        if found is not None:
            compared.append(case)
            verdict.demand(case, found)

    programs = share(SHARE_THAT_IS_SIMULATED)
    over(any_cases(with_decisions=True), programs, check, name="simulation", shrink=False)
    assert compared  # else the test has seen nothing
