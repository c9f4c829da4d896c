"""Minor units, marginal brackets and largest remainder, exact. (Python's `round` of a Fraction is half-even.)"""

from fractions import Fraction
from math import floor

# ISO 4217; every other currency has 2 decimals. The last two lines: codes withdrawn since 1999, which §2 takes too.
# fmt: off
WITHOUT_DECIMALS = {
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG",
    "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF",
    "ADP", "BEF", "BYB", "BYR", "ESP", "GRD", "ITL",
    "LUF", "MGF", "PTE", "TPE", "TRL",
}
WITH_3_DECIMALS = {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"}
WITH_4_DECIMALS = {"CLF", "UYW"}
# fmt: on


def unit(currency: str) -> int:
    """§7: "minor units (ISO 4217: USD 2, JPY 0, KRW 0)": how many minor units one unit of the currency has."""
    if currency in WITHOUT_DECIMALS:
        return 1
    if currency in WITH_3_DECIMALS:
        return 1000
    return 10000 if currency in WITH_4_DECIMALS else 100


def marginal(amount: Fraction, brackets: list) -> Fraction:
    """§1: "each rate applies to the part of the points (or of the amount) between the `up_to` before it and its own;
    the last has none"."""
    total, lower = Fraction(0), Fraction(0)
    for up_to, rate in brackets:
        upper = amount if up_to is None else min(amount, up_to)
        total += rate * max(upper - lower, 0)
        lower = up_to
    return total


def largest_remainder(amount: int, weights: dict) -> tuple[dict, dict]:
    """§6: "floor each exact share, then give the units left over to the largest remainders (weights that sum to 0: each
    gets 0); ties go to the least id". Returns the parts, and who got "a unit beyond the floor" (§9): 1 or 0."""
    total, units = sum(weights.values()), dict.fromkeys(weights, 0)
    if total == 0:
        return dict.fromkeys(weights, 0), units
    exact = {key: Fraction(amount) * weight / total for key, weight in weights.items()}
    parts = {key: floor(share) for key, share in exact.items()}
    left_over = amount - sum(parts.values())
    for key in sorted(weights, key=lambda key: (parts[key] - exact[key], key))[:left_over]:
        parts[key] += 1
        units[key] = 1
    return parts, units
