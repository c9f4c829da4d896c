"""Gini's coefficient against its definition, and bins that leave no amount out."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.reports.distribution import bin_edges, gini

amounts = st.lists(st.integers(0, 10**6), min_size=1, max_size=30).map(sorted)


def ranked(values: list[int]) -> int:
    return sum(place * value for place, value in enumerate(values, start=1))


@given(amounts)
def test_gini_is_half_the_relative_mean_difference(values: list[int]) -> None:
    found = gini(len(values), sum(values), ranked(values))
    if sum(values) == 0:
        assert found is None
    else:
        differences = sum(abs(one - other) for one in values for other in values)
        assert found == Fraction(differences, 2 * len(values) * sum(values))


@pytest.mark.parametrize(
    ("values", "expected"),
    [([5, 5, 5, 5], Fraction(0)), ([0, 0, 0, 8], Fraction(3, 4)), ([1, 3], Fraction(1, 4))],
)
def test_gini_by_hand(values: list[int], expected: Fraction) -> None:
    assert gini(len(values), sum(values), ranked(values)) == expected


@given(st.integers(1, 10**18), st.integers(1, 10**18))
def test_every_amount_lies_in_one_bin(one: int, other: int) -> None:
    least, greatest = sorted((one, other))
    edges = bin_edges(least, greatest)
    assert edges[0] <= least < edges[1]
    assert edges[-2] <= greatest < edges[-1]
    assert all(low < high for low, high in pairwise(edges))


def test_edges_by_hand() -> None:
    assert bin_edges(3, 60) == [2, 5, 10, 20, 50, 100]
    assert bin_edges(1, 1) == [1, 2]
    assert bin_edges(5, 10**9) == [10**power for power in range(11)]
