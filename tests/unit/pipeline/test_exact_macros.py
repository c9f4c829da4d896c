"""The exact arithmetic of the SQL is that of exact fractions, negative numbers and 128 bits included.

The macros are rendered as dbt renders them, but with DuckDB alone behind them.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jinja2 import Environment

MACROS = Path(__file__).resolve().parents[3] / "dbt_project" / "macros" / "exact.sql"


class _Adapter:
    """dbt's `adapter.dispatch`, for an engine of the name duckdb."""

    module: Any = None

    def dispatch(self, name: str) -> Callable[..., str]:
        macro: Callable[..., str] = getattr(self.module, f"duckdb__{name}")
        return macro


def _macros() -> Any:
    adapter = _Adapter()
    environment = Environment(autoescape=False)
    environment.globals |= {"adapter": adapter, "return": lambda value: value}
    adapter.module = environment.from_string(MACROS.read_text(encoding="utf-8")).module
    return adapter.module


EXACT = _macros()
ENGINE = duckdb.connect()


def _value(sql: str) -> Any:
    row = ENGINE.execute(f"select {sql}").fetchone()
    assert row is not None
    return row[0]


def _wide(number: int) -> str:
    return f"({number})::hugeint"


DIVIDENDS = st.integers(-50, 50) | st.integers(-(10**36), 10**36)
DIVISORS = st.integers(1, 12) | st.integers(1, 10**36)


@given(DIVIDENDS, DIVISORS)
@example(-7, 2)
@example(-6, 2)
def test_floor_div_goes_towards_minus_infinity(dividend: int, divisor: int) -> None:
    sql = EXACT.floor_div(_wide(dividend), _wide(divisor))
    assert _value(sql) == floor(Fraction(dividend, divisor))


@given(DIVIDENDS, DIVISORS)
@example(-5, 2)
@example(-3, 2)
@example(3, 2)
@example(5, 2)
def test_half_even_div_rounds_half_to_even(dividend: int, divisor: int) -> None:
    sql = EXACT.half_even_div(_wide(dividend), _wide(divisor))
    assert _value(sql) == round(Fraction(dividend, divisor))


@pytest.mark.parametrize(
    ("macro", "whole", "text"),
    [
        ("decimal_e4", "12345", "1.2345"),
        ("decimal_e4", "9" * 34, f"{'9' * 30}.9999"),
        ("decimal_e6", "1234567", "1.234567"),
        ("decimal_e6", "9" * 12, f"{'9' * 6}.999999"),
        ("whole_e10", "0.0000000001", "1"),
        ("whole_e10", "150.25", "1502500000000"),
    ],
)
def test_scales(macro: str, whole: str, text: str) -> None:
    sql = getattr(EXACT, macro)(
        f"cast('{whole}' as decimal(38, 10))" if "." in whole else _wide(int(whole))
    )
    assert str(_value(sql)) == text


def test_what_does_not_fit_raises() -> None:
    largest = _wide(2**127 - 1)
    with pytest.raises(duckdb.OutOfRangeException):
        _value(f"{EXACT.whole(largest)} * 2")
