"""Largest remainder by hand, and what must hold of any apportioning (contract §6)."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.ledger.apportion import largest_remainder

IDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=4) | st.sampled_from(
    ["a", "b", "é", "z", "\uffee", "😀", "=1"]
)
WEIGHTS = st.dictionaries(IDS, st.integers(0, 4) | st.integers(0, 10**30), min_size=1, max_size=8)
TOTALS = st.integers(0, 20) | st.integers(0, 10**20)


@pytest.mark.parametrize(
    ("total", "weights", "shares"),
    [
        (10, {"a": 1, "b": 1}, {"a": 5, "b": 5}),  # nothing is left over
        (11, {"b": 1, "a": 1}, {"a": 6, "b": 5}),  # a tie goes to the least id
        (5, {"c": 1, "b": 1, "a": 1}, {"a": 2, "b": 2, "c": 1}),
        (10, {"a": 1, "b": 2}, {"a": 3, "b": 7}),  # 3 1/3, 6 2/3: to the largest remainder
        (1, {"a": 1, "b": 2, "c": 3}, {"a": 0, "b": 0, "c": 1}),
        (7, {"a": 0, "b": 5}, {"a": 0, "b": 7}),
        (7, {"a": 0, "b": 0}, {"a": 0, "b": 0}),  # "weights that sum to 0: each gets 0"
        (0, {"a": 1, "b": 2}, {"a": 0, "b": 0}),
        (7, {"a": 3}, {"a": 7}),
        (7, {}, {}),
        (1, {"é": 1, "z": 1}, {"z": 1, "é": 0}),  # bytewise, not as a language sorts
        (1, {"\uffee": 1, "😀": 1}, {"\uffee": 1, "😀": 0}),  # nor as UTF-16 does
        (1, {"performance": 7, "milestone": 7}, {"milestone": 1, "performance": 0}),
    ],
)
def test_largest_remainder(total: int, weights: dict[str, int], shares: dict[str, int]) -> None:
    assert largest_remainder(total, weights).shares == shares


def test_who_got_a_unit_beyond_the_floor_is_told() -> None:
    """§9: of 3 1/3 each the least id; of 4 2/7, 4 2/7 and 1 3/7 the one with 3/7."""
    assert largest_remainder(10, {"b": 1, "a": 1, "c": 1}).lifted == {"a"}
    assert largest_remainder(10, {"b": 3, "a": 3, "c": 1}).lifted == {"c"}
    assert largest_remainder(10, {"a": 1, "b": 1}).lifted == set()
    assert largest_remainder(10, {"a": 0}).lifted == set()


@pytest.mark.parametrize(("total", "weights"), [(-1, {"a": 1}), (1, {"a": 2, "b": -1})])
def test_less_than_nothing_cannot_be_apportioned(total: int, weights: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"^only amounts and weights from 0 can be apportioned$"):
        largest_remainder(total, weights)


@given(TOTALS, WEIGHTS)
def test_the_last_unit_is_given_and_no_share_is_off_by_one(
    total: int, weights: dict[str, int]
) -> None:
    shares, lifted = largest_remainder(total, weights)
    assert shares.keys() == weights.keys()
    whole = sum(weights.values())
    if whole == 0:
        assert set(shares.values()) == {0}
        return
    assert sum(shares.values()) == total
    for key, weight in weights.items():
        assert abs(shares[key] - Fraction(total * weight, whole)) < 1
        assert shares[key] == total * weight // whole + (key in lifted)


@given(TOTALS, WEIGHTS)
def test_more_weight_never_gets_less_and_a_tie_goes_to_the_least_id(
    total: int, weights: dict[str, int]
) -> None:
    shares, _ = largest_remainder(total, weights)
    for one, its_weight in weights.items():
        for other, other_weight in weights.items():
            if its_weight > other_weight:
                assert shares[one] >= shares[other]
            if its_weight == other_weight and one.encode() < other.encode():
                assert shares[other] <= shares[one] <= shares[other] + 1


@given(TOTALS, WEIGHTS, st.integers(1, 10**6))
def test_the_scale_of_the_weights_and_the_order_of_the_rows_do_not_count(
    total: int, weights: dict[str, int], scale: int
) -> None:
    scaled = {key: weight * scale for key, weight in reversed(weights.items())}
    assert largest_remainder(total, scaled) == largest_remainder(total, weights)
