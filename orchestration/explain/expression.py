"""An expression of §11, in exact rationals: its text and its value are made by the same operation.

So the text cannot say anything else than the value. A value of null means that something is divided by
0, which makes the whole expression 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import reduce
from typing import Final

_SUM, _PRODUCT, _WHOLE = 1, 2, 3
_MOST_DECIMALS: Final = 200


@dataclass(frozen=True, slots=True)
class Input:
    """A number from elsewhere: a cell (as exported), a number of the program file, or an earlier step.

    `source` are the keys that say where, as §11 has them: table, key, column; program; or step.
    """

    value: str
    source: Mapping[str, object]

    def to_json(self) -> dict[str, object]:
        """The object of §11."""
        return {"value": self.value, **self.source}


@dataclass(frozen=True, slots=True)
class Expression:
    """A text of the grammar of §11, with its value, its inputs by name, and how tightly it binds."""

    text: str
    value: Fraction | None
    inputs: Mapping[str, Input] = field(default_factory=dict)
    binds: int = _WHOLE

    def __add__(self, other: Expression) -> Expression:
        return _joined(self, "+", other, lambda a, b: a + b, _SUM, _SUM)

    def __sub__(self, other: Expression) -> Expression:
        return _joined(self, "-", other, lambda a, b: a - b, _SUM, _PRODUCT)

    def __mul__(self, other: Expression | int) -> Expression:
        return _joined(self, "*", _expression(other), lambda a, b: a * b, _PRODUCT, _PRODUCT)

    def __truediv__(self, other: Expression | int) -> Expression:
        return _joined(self, "/", _expression(other), _divided, _PRODUCT, _WHOLE)

    def __neg__(self) -> Expression:
        """With a leading minus; only the beginning of an expression may be one."""
        value = None if self.value is None else -self.value
        return Expression(f"-{self._inside(_PRODUCT)}", value, self.inputs, _SUM)

    def _inside(self, least: int) -> str:
        return self.text if self.binds >= least else f"({self.text})"


def number(value: int | str) -> Expression:
    """A number that stands in the expression itself: a whole one, or a plain decimal as text."""
    return Expression(str(value), Fraction(value))


def named(name: str, source: Input) -> Expression:
    """An input under a name of its own within the expression."""
    return Expression(name, Fraction(source.value), {name: source})


def total(parts: Iterable[Expression]) -> Expression:
    """The sum of all parts; 0 of none."""
    parts = list(parts)
    if not parts:
        return number(0)
    if len(parts) == 1:
        return parts[0]
    values = [part.value for part in parts]
    return Expression(
        " + ".join(part._inside(_SUM) for part in parts),
        None
        if None in values
        else sum((value for value in values if value is not None), Fraction()),
        _merged(parts),
        _SUM,
    )


def least(*parts: Expression) -> Expression:
    """min(...)."""
    return _called("min", parts, lambda *values: min(values))


def greatest(*parts: Expression) -> Expression:
    """max(...)."""
    return _called("max", parts, lambda *values: max(values))


def floor(part: Expression) -> Expression:
    """floor(x)."""
    return _called("floor", (part,), lambda value: Fraction(math.floor(value)))


def half_even(part: Expression, decimals: int) -> Expression:
    """half_even(x, decimals)."""
    rounded = _called("half_even", (part,), lambda value: round(value, decimals))
    return Expression(f"half_even({part.text}, {decimals})", rounded.value, part.inputs)


def plain(value: Fraction) -> str:
    """A finite decimal in plain notation without idle zeros; ValueError for any other value."""
    for decimals in range(_MOST_DECIMALS):
        units = value * 10**decimals
        if units.denominator == 1:
            digits = str(abs(units.numerator)).rjust(decimals + 1, "0")
            whole, fraction = digits[: len(digits) - decimals], digits[len(digits) - decimals :]
            sign = "-" if units < 0 else ""
            return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"
    raise ValueError(f"{value} is no finite decimal")


def _expression(value: Expression | int) -> Expression:
    return number(value) if isinstance(value, int) else value


def _divided(dividend: Fraction, divisor: Fraction) -> Fraction | None:
    return dividend / divisor if divisor else None


def _joined(
    left: Expression,
    sign: str,
    right: Expression,
    operation: Callable[[Fraction, Fraction], Fraction | None],
    binds: int,
    right_binds: int,
) -> Expression:
    value = None
    if left.value is not None and right.value is not None:
        value = operation(left.value, right.value)
    text = f"{left._inside(binds)} {sign} {right._inside(right_binds)}"
    return Expression(text, value, _merged((left, right)), binds)


def _called(
    name: str, parts: tuple[Expression, ...], operation: Callable[..., Fraction]
) -> Expression:
    values = [part.value for part in parts]
    text = f"{name}({', '.join(part.text for part in parts)})"
    return Expression(text, None if None in values else operation(*values), _merged(parts))


def _merged(parts: Iterable[Expression]) -> dict[str, Input]:
    def add(found: dict[str, Input], part: Expression) -> dict[str, Input]:
        for name, source in part.inputs.items():
            if found.setdefault(name, source) != source:
                raise ValueError(f"{name} names two inputs of one expression")
        return found

    return reduce(add, parts, {})
