"""A single value of a program file: text, day, whole number, number (contract §1).

A reader takes what stands in the file (a `Scalar`) or a Python value of the right type, and gives
the typed value or raises `Unfit`, which says what was expected. Each field of the model has one.
Here is what one value decides alone; what takes several values to decide is in `rules`.

No value is ever a float: numbers go from their text to Decimal, in the form with the fewest digits
(10.000 becomes 10), so that equal values look equal.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final, TypeVar

from orchestration.terms.exact import MOST_DIGITS, decimals_of, shortest
from orchestration.terms.yaml_reader import Scalar

T = TypeVar("T")
Reader = Callable[[object], T]

# The contract bounds no day but refuses the absurd ones. Within these, the instant a day begins,
# the day after it and the week before it can always be told.
FIRST_DAY: Final = date(1900, 1, 1)
LAST_DAY: Final = date(2999, 12, 31)

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WHOLE = re.compile(r"[-+]?[0-9]+")  # YAML 1.2 core, decimal
_NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


class Unfit(ValueError):
    """A value is not what is expected at its place."""

    def __init__(self, expected: str) -> None:
        super().__init__(f"expected {expected}")
        self.expected = expected


def text(value: object) -> str:
    """Text as it stands, quoted or not: `2024` and `NO` are texts. A plain null is none."""
    if isinstance(value, Scalar) and not value.is_null:
        return value.text
    if isinstance(value, str):
        return value
    raise Unfit("text")


def identifier(value: object) -> str:
    """An id (§2): 1 to 128 characters, none a control character (Unicode Cc)."""
    expected = "an id of 1 to 128 characters without control characters"
    found = _text_or_unfit(value, expected)
    if not 1 <= len(found) <= 128 or any(unicodedata.category(c) == "Cc" for c in found):
        raise Unfit(expected)
    return found


def name(value: object) -> str:
    """A program name or period key; both become folders and partition keys."""
    expected = "a name of 1 to 40 of a-z, 0-9 and -, not beginning with -"
    found = _text_or_unfit(value, expected)
    if not _NAME.fullmatch(found):
        raise Unfit(expected)
    return found


def one_of(*words: str) -> Reader[str]:
    """A reader of one of these words, of which there are two or more."""
    expected = f"{', '.join(words[:-1])} or {words[-1]}"

    def read(value: object) -> str:
        found = _text_or_unfit(value, expected)
        if found not in words:
            raise Unfit(expected)
        return found

    return read


def known(is_known: Callable[[str], bool], expected: str) -> Reader[str]:
    """A reader of text that `is_known` accepts."""

    def read(value: object) -> str:
        found = _text_or_unfit(value, expected)
        if not is_known(found):
            raise Unfit(expected)
        return found

    return read


def day(value: object) -> date:
    """A day, YYYY-MM-DD, in the years 1900 to 2999."""
    unfit = Unfit(f"a day, YYYY-MM-DD, from {FIRST_DAY} to {LAST_DAY}")
    if isinstance(value, Scalar):
        if not _DAY.fullmatch(value.text):
            raise unfit
        try:
            value = date.fromisoformat(value.text)
        except ValueError as error:  # 2024-02-30
            raise unfit from error
    if not isinstance(value, date) or isinstance(value, datetime):
        raise unfit
    if not FIRST_DAY <= value <= LAST_DAY:
        raise unfit
    return value


@dataclass(frozen=True, slots=True)
class Whole:
    """A reader of whole numbers from low to high, written whole: 18, not 18.0 or "18"."""

    low: int
    high: int

    def __call__(self, value: object) -> int:
        if isinstance(value, Scalar) and _is_number_text(value, _WHOLE):
            value = int(value.text)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._unfit()
        if not self.low <= value <= self.high:
            raise self._unfit()
        return value

    def _unfit(self) -> Unfit:
        bounds = f"from {self.low} to {self.high}"
        return Unfit(f"a whole number {bounds}, written without point or exponent")


@dataclass(frozen=True, slots=True)
class Number:
    """A reader of numbers from low, or above it if `is_low_out`, to high.

    Decimals count by value: 10.000 has none. None leaves them to a rule, as for money, whose
    decimals are its currency's.
    """

    low: int
    high: int
    decimals: int | None = 6
    is_low_out: bool = False

    def __call__(self, value: object) -> Decimal:
        found = _decimal(value)
        if found is None or not self.low <= found <= self.high:
            raise self._unfit()
        if self.is_low_out and found == self.low:
            raise self._unfit()
        if self.decimals is not None and decimals_of(found) > self.decimals:
            raise self._unfit()
        return shortest(found)

    def _unfit(self) -> Unfit:
        start = f"a number above {self.low}, up" if self.is_low_out else f"a number from {self.low}"
        most = "" if self.decimals is None else f", at most {self.decimals} decimals"
        return Unfit(f"{start} to {self.high}{most}")


# The bounds of the contract, each in one place. Where it names none, 10^15 keeps a count within
# what all that reads it can hold.
VERSION: Final = Whole(1, 10**15)
AGE_YEARS: Final = Whole(0, 150)
MINIMUM_VIEWS: Final = Whole(0, 10**15)
MAXIMUM_POSTS: Final = Whole(0, 10**15)  # 0 is a limit like any other: every post is beyond it
MILESTONE_POSTS: Final = Whole(1, 10**15)  # with 0 all would be paid for nothing, ineligible too
WEIGHT: Final = Number(0, 10**4, decimals=4)
COUNTRY_VALUE: Final = Number(0, 100)
RATE: Final = Number(0, 10**6)  # program currency per 1000 points
WITHHOLDING_RATE: Final = Number(0, 1)
UP_TO: Final = Number(0, 10**15, is_low_out=True)
FX_RATE: Final = Number(0, 10**15, decimals=10, is_low_out=True)  # as fx_rates has it (§2)
MONEY: Final = Number(0, 10**12, decimals=None)  # its currency says how many (rules)


def _text_or_unfit(value: object, expected: str) -> str:
    try:
        return text(value)
    except Unfit as error:
        raise Unfit(expected) from error


def _is_number_text(value: Scalar, form: re.Pattern[str]) -> bool:
    return value.is_plain and len(value.text) <= MOST_DIGITS and bool(form.fullmatch(value.text))


def _decimal(value: object) -> Decimal | None:
    """The number that stands there, None where there is none or only an absurd one."""
    if isinstance(value, Scalar) and _is_number_text(value, _NUMBER):
        try:
            value = Decimal(value.text)
        except InvalidOperation:  # an exponent beyond what Decimal can hold
            return None
    elif isinstance(value, int) and not isinstance(value, bool):
        value = Decimal(value)
    if not isinstance(value, Decimal) or not value.is_finite():
        return None
    _, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int), "a finite number has an exponent"
    is_usable = len(digits) <= MOST_DIGITS and abs(exponent) <= MOST_DIGITS
    return value if is_usable else None
