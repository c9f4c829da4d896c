"""Decimals taken exactly, whatever decimal context the process is in (contract: "Exact").

Decimal rounds silently to the digits of its context. What is here does not: it either gives the
exact value or raises.
"""

from decimal import Context, Decimal, Inexact
from fractions import Fraction
from typing import Final

MOST_DIGITS: Final = 100
"""What reads numbers lets no more digits through, nor a larger exponent: no value in the contract's
bounds needs them, and 1e999999999 is nothing to compute with."""

_EXACT: Final = Context(prec=MOST_DIGITS, traps=[Inexact])


def decimals_of(value: Decimal) -> int:
    """The number of decimals of a finite value: 2 for 0.25, 0 for 10.000 and for 1e3."""
    exponent = _EXACT.normalize(value).as_tuple().exponent
    assert isinstance(exponent, int), "NaN and infinity have no decimals"
    return max(0, -exponent)


def shortest(value: Decimal) -> Decimal:
    """The same value without trailing zeros or exponent; zero has no sign."""
    if not value:
        return Decimal(0)
    return _EXACT.normalize(value) if decimals_of(value) else Decimal(int(value))


def scaled(value: Decimal, decimals: int) -> int:
    """value x 10^decimals. ValueError if that is not whole."""
    units = Fraction(value) * Fraction(10) ** decimals
    if units.denominator != 1:
        raise ValueError(f"{value} has more than {decimals} decimals")
    return units.numerator
