"""Every case that once differed, or that a reader should see hold: on both sides the same, for good."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proof.cases import FORMATS, Case, Layout
from tests.proof.proof import prove

FOLDER = Path(__file__).with_name("regressions")
CASES = sorted(FOLDER.glob("*.json"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case_is_equal_now(path: Path) -> None:
    case = Case.from_json(path.read_text(encoding="utf-8"))
    assert prove(case) == []
    assert prove(case, Layout(formats=FORMATS, rows_a_file=2, seed=1)) == []


def test_there_are_cases() -> None:
    assert CASES
