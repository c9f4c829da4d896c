"""Simulated tables are those of a fresh home in which each period is run and closed in turn (§13)."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from orchestration.pipeline.closing import close_period
from orchestration.pipeline.flow import run_all
from orchestration.pipeline.home import Home
from orchestration.pipeline.refusals import GateFailed
from orchestration.publishing.store import file_hashes
from orchestration.simulation.simulate import simulated
from orchestration.terms.load import load_program
from tests.proof.campaign import PROGRAMS, Verdict, over
from tests.proof.cases import Case
from tests.proof.compare import differences, published_rows
from tests.proof.product import ask_suite, fast_run, new_home, rows_reader
from tests.proof.programs import any_cases
from tests.proof.proof import CLOSER, Product, written


def _other_terms(text: str) -> str:
    """The same program with a minimum of views of its own, where the file gives one."""
    return text.replace("minimum_views: ", "minimum_views: 1")


def _found(case: Case) -> list[str] | None:
    """What differs; None where nothing can be compared: a period is not published, or a gate blocks."""
    with written(case) as files, tempfile.TemporaryDirectory() as fresh_name:
        product = Product(case, files, reads_files=False)
        for step in case.steps:
            product.do(step)
        loaded = product.loaded
        other_file = files.home.with_name("other.yaml")
        other_file.write_text(_other_terms(case.program), encoding="utf-8")
        other, reader = load_program(other_file), rows_reader(case.landings[-1])
        published = product.home.store(product.program).published()
        keys = [period.key for period in other.program.periods]
        if sorted(keys) != sorted(published):
            return None
        fresh: Home = new_home(Path(fresh_name))
        try:
            for key in keys:
                run = fast_run(fresh, product.program, key, f"fresh-{key}", "ada")
                run_all(run, other_file, files.landings[-1], reader)
                close_period(fresh, other, key, CLOSER, gate=ask_suite)
        except GateFailed:
            return None  # the other terms do not pass; nothing to compare
        before = file_hashes(product.home.path / "store")
        expected = fresh.store(product.program).published()
        with simulated(
            product.home, loaded, other, keys, files.landings[-1], fast_run, reader
        ) as pairs:
            found = [
                line
                for key, pair in pairs.items()
                for line in differences(
                    key, published_rows(pair.after), published_rows(expected[key])
                )
            ]
        if file_hashes(product.home.path / "store") != before:
            found.append("what is published was touched")
        return found


@pytest.mark.long  # tests/integration/test_simulation.py does so with one small program
def test_simulated_tables_are_those_of_a_fresh_home() -> None:
    verdict, compared = Verdict(), []

    def check(case: Case) -> None:
        found = _found(case)
        if found is not None:
            compared.append(case)
            verdict.demand(case, found)

    over(any_cases(), PROGRAMS, check, name="simulation", shrink=False)
    assert compared  # else the test has seen nothing
