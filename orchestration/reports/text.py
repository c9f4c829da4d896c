"""Exact figures as a person reads them. Nothing here goes through a float."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from orchestration.terms.currencies import minor_unit_decimals, money_text


def money(minor: int, currency: str) -> str:
    """123456 of USD: USD 1,234.56; a minus sign before the digits."""
    return f"{currency} {amount(minor, currency)}"


def amount(minor: int, currency: str) -> str:
    """An amount without its currency, for a column that names it."""
    return money_text(currency, minor).replace("-", "−")


def signed(text: str) -> str:
    """A difference with its sign, also where it is positive."""
    return text if text.startswith("−") or not text.strip("0.,") else f"+{text}"


def count(number: int) -> str:
    """A whole number with separators; a minus sign, not a hyphen."""
    return f"{number:,}".replace("-", "−")


def points(value: Decimal) -> str:
    """Points, rounded half-even to whole ones: the tables have the decimals."""
    return f"{value:,.0f}"


def ratio(value: Fraction | None, decimals: int = 3) -> str:
    """A ratio, rounded half-even; a dash where there is none."""
    if value is None:
        return "–"
    units = round(value * 10**decimals)
    sign, digits = "−" if units < 0 else "", str(abs(units)).rjust(decimals + 1, "0")
    return f"{sign}{int(digits[:-decimals]):,}.{digits[-decimals:]}"


def percent(part: int | Decimal, whole: int | Decimal) -> str:
    """part / whole in percent with one decimal; a dash where there is no whole."""
    if not whole:
        return "–"
    return f"{ratio(Fraction(part) / Fraction(whole) * 100, 1)} %"


def instant(text: str) -> str:
    """An instant of a record (ISO 8601 with offset) as 2024-05-01 09:30 UTC."""
    return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M UTC")


def compact(minor: int, currency: str) -> str:
    """A round amount for an axis: 0.5, 20, 5k, 2M; without its currency."""
    major = Fraction(minor, 10 ** minor_unit_decimals(currency))
    sizes = {"G": 10**9, "M": 10**6, "k": 10**3}
    suffix = next((name for name, size in sizes.items() if major >= size), "")
    value = major / sizes.get(suffix, 1)
    if value.denominator == 1:
        return f"{value.numerator:,}{suffix}"
    return f"{ratio(value, minor_unit_decimals(currency) or 1).rstrip('0')}{suffix}"
