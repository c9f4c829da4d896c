"""The list of SQL mutants keeps up with the SQL: each can still be applied. `make mutate` runs them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutation.sql_mutant_list import Mutant
from tests.mutation.sql_mutants import ALL_MUTANTS, mutated

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("mutant", ALL_MUTANTS, ids=lambda mutant: mutant.breaks)
def test_mutant_stands_once_in_its_file(mutant: Mutant) -> None:
    text = (ROOT / mutant.path).read_text(encoding="utf-8")
    assert mutated(text, mutant) != text


def test_no_mutant_is_listed_twice() -> None:
    places = [(mutant.path, mutant.old, mutant.new) for mutant in ALL_MUTANTS]
    assert len(places) == len(set(places))
