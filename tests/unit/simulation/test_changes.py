"""Classes of a change and Gini's text, on both sides of each edge."""

from __future__ import annotations

from fractions import Fraction

import pandas as pd
import pytest

from orchestration.simulation.changes import deciles, gini_text, share_class


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (100, 94, "loses over 5 %"),
        (100, 95, "loses"),
        (100, 99, "loses"),
        (100, 100, "same"),
        (0, 0, "same"),
        (100, 105, "gains"),
        (100, 106, "gains over 5 %"),
        (0, 1, "gains over 5 %"),
    ],
    ids=lambda value: str(value),
)
def test_class_of_a_change(before: int, after: int, expected: str) -> None:
    assert share_class(before, after) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Fraction(1, 2_000_000), "0.000000"),  # a tie goes to the even digit
        (Fraction(3, 2_000_000), "0.000002"),
        (Fraction(1, 3), "0.333333"),
        (None, None),
    ],
    ids=["tie-down", "tie-up", "third", "nobody"],
)
def test_gini_is_rounded_half_even(value: Fraction | None, expected: str | None) -> None:
    assert gini_text(value) == expected


def test_deciles_are_of_those_who_earned_before() -> None:
    """Eleven earners: the first decile has two; ties go by id, and who earned nothing has none."""
    before = [0, 5, 5, *range(10, 19)]
    ids = ["zero", "b", "a", *(f"c{number}" for number in range(9))]
    found = deciles(
        pd.DataFrame({"creator_id": ids, "before": pd.Series(before, dtype=object)})
    ).tolist()
    assert found[1:] == [1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert found[0] is pd.NA
