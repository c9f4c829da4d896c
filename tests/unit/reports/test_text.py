"""Exact figures as text: digits, signs, rounding half-even."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from orchestration.reports import text


@pytest.mark.parametrize(
    ("function", "arguments", "expected"),
    [
        (text.money, (123456, "USD"), "USD 1,234.56"),
        (text.money, (-5, "USD"), "USD −0.05"),
        (text.amount, (10**18 + 1, "JPY"), "1,000,000,000,000,000,001"),
        (text.amount, (1, "BHD"), "0.001"),
        (text.signed, ("1,200",), "+1,200"),
        (text.signed, ("−0.05",), "−0.05"),
        (text.signed, ("0.00",), "0.00"),
        (text.count, (-1234,), "−1,234"),
        (text.points, (Decimal("12345678901234567890123456789012.5000"),),
         "12,345,678,901,234,567,890,123,456,789,012"),
        (text.ratio, (Fraction(1, 3),), "0.333"),
        (text.ratio, (Fraction(5, 10000),), "0.000"),  # half to even
        (text.ratio, (Fraction(15, 10000),), "0.002"),
        (text.ratio, (Fraction(-1, 1000),), "−0.001"),
        (text.ratio, (None,), "–"),
        (text.percent, (1, 8), "12.5 %"),
        (text.percent, (1, 0), "–"),
        (text.instant, ("2024-05-04T10:30:59+00:00",), "2024-05-04 10:30 UTC"),
        (text.instant, ("2024-05-04T10:30:59Z",), "2024-05-04 10:30 UTC"),
        (text.compact, (50, "USD"), "0.5"),
        (text.compact, (5, "USD"), "0.05"),
        (text.compact, (2000, "USD"), "20"),
        (text.compact, (500_000, "USD"), "5k"),
        (text.compact, (2_000_000, "JPY"), "2M"),
    ],
)  # fmt: skip
def test_text(function: Callable[..., str], arguments: tuple[Any, ...], expected: str) -> None:
    assert function(*arguments) == expected
