"""Exact amounts: minor units as whole numbers, and the two roundings of the contract.

An amount is an `int` in minor units of a currency (USD 12.34 is 1234). A rate is an `int` at scale
e6 or e10. Nothing here or above it is ever a float.
"""

from __future__ import annotations

BIGINT_MAX = 2**63 - 1

Account = tuple[str, str]
"""(creator_id, currency)."""


class AmountTooLarge(ValueError):
    """An amount or count that the published type cannot hold; §1: it stops the run."""


def half_even_div(dividend: int, divisor: int) -> int:
    """dividend / divisor rounded half-even ("**round**" in the contract); divisor above 0."""
    quotient, remainder = divmod(dividend, divisor)
    twice = 2 * remainder
    if twice > divisor or (twice == divisor and quotient % 2):
        return quotient + 1
    return quotient


def bigint(value: int, what: str) -> int:
    """`value`, if a BIGINT column can hold it; AmountTooLarge naming `what` if not (§9)."""
    if -BIGINT_MAX - 1 <= value <= BIGINT_MAX:
        return value
    raise AmountTooLarge(f"{what} is {value}, which does not fit 64 bits; nothing was published")
