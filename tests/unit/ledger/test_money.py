"""The roundings of the contract, on both sides of each half, and what a BIGINT holds (§1, §9)."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.ledger.money import AmountTooLarge, bigint, half_even_div


@pytest.mark.parametrize(
    ("dividend", "divisor", "rounded"),
    [
        (5, 10, 0),  # halves go to the even side
        (15, 10, 2),
        (25, 10, 2),
        (35, 10, 4),
        (-5, 10, 0),
        (-15, 10, -2),
        (-25, 10, -2),
        (4, 10, 0),  # beside the half to the nearest
        (6, 10, 1),
        (-4, 10, 0),
        (-6, 10, -1),
        (24, 10, 2),
        (26, 10, 3),
        (1, 3, 0),
        (2, 3, 1),
        (7, 1, 7),
        (0, 7, 0),
        (10**40 + 5, 10, 10**39),  # beyond what a float tells apart
        (10**40 + 15, 10, 10**39 + 2),
        (10**40 + 6, 10, 10**39 + 1),
    ],
)
def test_half_even(dividend: int, divisor: int, rounded: int) -> None:
    assert half_even_div(dividend, divisor) == rounded


@given(st.integers(), st.integers(1, 10**20))
def test_half_even_is_that_of_exact_fractions(dividend: int, divisor: int) -> None:
    assert half_even_div(dividend, divisor) == round(Fraction(dividend, divisor))


@pytest.mark.parametrize("value", [2**63 - 1, -(2**63), 0])
def test_what_fits_64_bits_passes(value: int) -> None:
    assert bigint(value, "a sum") == value


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1])
def test_what_does_not_fit_64_bits_stops_the_run(value: int) -> None:
    with pytest.raises(AmountTooLarge, match=f"^a sum is {value}, which does not fit 64 bits"):
        bigint(value, "a sum")
