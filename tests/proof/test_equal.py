"""Drawn programs with landing data: the product's published tables are the reference's, row by row."""

from __future__ import annotations

import traceback
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import strategies as st

from tests.conftest import BonusHere
from tests.proof.campaign import (
    SHARE_THROUGH_THE_COMMAND_LINE,
    Verdict,
    is_long,
    over,
    parts,
    share,
    tell,
)
from tests.proof.cases import FORMATS, Case, Layout
from tests.proof.compare import file_differences
from tests.proof.programs import any_cases, cases, one_run_each
from tests.proof.proof import CLOSER, STARTER, Reference, prove, written
from tests.proof.reach import ALL
from tests.reference.export import export

PROGRAMS_THAT_REACH_ALL = 400
"""So many programs show every reason, status and rule; of fewer some may be missing by chance."""

# Three programs in four go to the raw tables directly; one is read from files of all formats.
LAYOUTS = st.integers(0, 3).flatmap(
    lambda drawn: (
        st.none()
        if drawn < 3
        else st.builds(
            Layout,
            formats=st.permutations(FORMATS).map(tuple),
            rows_a_file=st.integers(1, 9),
            seed=st.integers(0, 3),
        )
    )
)


@pytest.mark.parametrize(("part", "programs"), parts())
def test_every_row_is_equal(part: str, programs: int) -> None:
    verdict, seen = Verdict(), Counter[str]()

    def check(drawn: tuple[Case, Layout | None]) -> None:
        case, layout = drawn
        try:
            found = prove(case, layout, seen)
        except Exception:  # what the product refuses or breaks on is kept like a difference
            found = traceback.format_exc().splitlines()
        verdict.demand(case, found)

    some_decided = st.booleans().flatmap(lambda decided: any_cases(with_decisions=decided))
    over(st.tuples(some_decided, LAYOUTS), programs, check, name=part)
    if is_long():
        tell(f"of {programs} (seed {part}) so many show: {dict(sorted(seen.items()))}")
    if programs >= PROGRAMS_THAT_REACH_ALL:
        assert not ALL - seen.keys()


@pytest.mark.long  # test_worked_cases.py has a case through it
def test_every_row_is_equal_through_the_command_line(tmp_path: Path) -> None:
    """`bonus run`, `bonus close`, `bonus export`: what is exported is the reference's, byte for byte."""
    verdict = Verdict()
    strategy = cases().map(one_run_each)
    if is_long():
        strategy = st.integers(0, 3).flatmap(
            lambda drawn: cases(with_closes=True) if drawn == 3 else cases().map(one_run_each)
        )
    over(
        strategy,
        share(SHARE_THROUGH_THE_COMMAND_LINE),
        lambda case: verdict.demand(case, _through_the_command_line(case)),
        name="command line",
        shrink=False,
    )


def _through_the_command_line(case: Case) -> list[str]:
    with written(case, Layout(formats=FORMATS, rows_a_file=5, seed=1)) as files:
        reference = Reference(files)
        for step in case.steps:
            bonus = BonusHere(files.program, files.landings[step.landing], files.home)
            by = STARTER if step.action == "run" else CLOSER
            done = bonus(step.action, step.period, "--by", by)
            if done.returncode:
                return [f"bonus {step.action} {step.period}: {done.returncode}", done.stderr]
            reference.do(step)
        found = []
        for period in reference.book.runs:
            out = files.home.with_name(f"export-{period}")
            assert bonus("export", period, "--out", str(out / "product")).returncode == 0
            export(reference.book.tables(period), out / "reference")
            found += file_differences(period, out / "product", out / "reference")
        return found
