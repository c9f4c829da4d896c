"""Values of the data that match nothing in the program, though they look meant to, and the other way round.

A market `de` for `DE` breaks no rule: those creators are of another market, and earn nothing. So it
is warned of by value and count. Belongs here: the comparison. Does not: where values are counted, and
values that are just other ones, such as a market that the program does not pay: reasons count those.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from orchestration.terms.model import Program

ANY: Final = "*"
MOST_TOLD: Final = 10
"""Of a column: a hostile delivery may hold as many values as it has rows."""


@dataclass(frozen=True, slots=True)
class Values:
    """The number of times that values stand in the data; a column that was not looked at has none."""

    markets: Mapping[str, int] = field(default_factory=dict)  # creators
    content_types: Mapping[str, int] = field(default_factory=dict)  # posts
    residences: Mapping[str, int] = field(default_factory=dict)  # creators with a payees row
    currencies: Mapping[str, int] = field(default_factory=dict)  # creators paid in them
    programs: Mapping[str, int] = field(default_factory=dict)  # deals


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A value that matches nothing: of a column of a dataset, or of the program file (dataset None)."""

    dataset: str | None
    column: str
    value: str
    message: str
    nearest: str | None = None

    @property
    def said(self) -> str:
        """The message, with the value that may be meant."""
        return f"{self.message}; perhaps {self.nearest}" if self.nearest else self.message


def unmatched(program: Program, values: Values) -> list[Unmatched]:
    """The values that match nothing, in the order of the flow; of a column the most frequent, MOST_TOLD."""
    found = (
        _meant("deals", "program", values.programs, [program.program], "deal", "program"),
        _meant("creators", "market", values.markets, program.markets, "creator", "market"),
        _content_types(program, values.content_types),
        _residences(program, values.residences),
        _minimums(program, values.currencies),
    )
    return [row for of_column in found for row in islice(of_column, MOST_TOLD)]


def _meant(
    dataset: str, column: str, found: Mapping[str, int], known: Iterable[str], who: str, what: str
) -> Iterator[Unmatched]:
    """Values that would be known ones if case, signs between words and a plural did not count."""
    by_form = {_loosely(name): name for name in known}
    for value, count in _most_first(found):
        near = by_form.get(_loosely(value))
        if near is not None and value not in by_form.values():
            yield Unmatched(
                dataset, column, value,
                f"{_counted(count, who, 'is', 'are')} of the {what} {value!r}, which the program does"
                " not have, so they earn nothing",
                near,
            )  # fmt: skip


def _content_types(program: Program, found: Mapping[str, int]) -> Iterator[Unmatched]:
    """Content types of posts that earn nothing, though they look like one of the program's, or are one."""
    eligible = {kind for version in program.terms for kind in version.eligibility.content_types}
    weighed = {kind for version in program.terms for kind in version.weights}
    for value, count in _most_first(found):
        near = next(
            (
                name
                for name in sorted(eligible | weighed)
                if name != value and _loosely(name) == _loosely(value)
            ),
            None,
        )
        if value in eligible & weighed or (near is None and value not in eligible | weighed):
            continue
        lacks = {
            (False, False): "which the program does not have",
            (True, False): "which has no weights",
            (False, True): "which has weights, but is not eligible",
        }[value in eligible, value in weighed]
        yield Unmatched(
            "posts", "content_type", value,
            f"{_counted(count, 'post', 'is', 'are')} of the content type {value!r}, {lacks}, so they"
            " earn nothing",
            near,
        )  # fmt: skip


def _residences(program: Program, found: Mapping[str, int]) -> Iterator[Unmatched]:
    """Residences that only '*' matches, though they look like a listed one, or like no code of a country."""
    listed = {rule.tax_residence for rule in program.withholding} - {ANY}
    by_form = {_loosely(name): name for name in listed}
    for value, count in _most_first(found):
        is_code = len(value) == 2 and value.isascii() and value.isupper()
        near = by_form.get(_loosely(value))
        if listed and value not in listed and (near is not None or not is_code):
            yield Unmatched(
                "payees", "tax_residence", value,
                f"{_counted(count, 'creator', 'has', 'have')} the tax residence {value!r}, which only"
                " '*' of withholding matches",
                near,
            )  # fmt: skip


def _minimums(program: Program, found: Mapping[str, int]) -> Iterator[Unmatched]:
    """Minimum payouts in a currency that nobody is paid in, while others have none in theirs."""
    without = [name for name, _ in _most_first(found) if name not in program.minimum_payout]
    if not without:
        return
    for currency in sorted(set(program.minimum_payout) - set(found)):
        yield Unmatched(
            None, "minimum_payout", currency,
            f"nobody is paid in {currency}, which has a minimum payout; there is none for"
            f" {', '.join(f'{name} ({found[name]:,} creators)' for name in without)}",
        )  # fmt: skip


def _counted(count: int, noun: str, one: str, several: str) -> str:
    """A count with its noun and verb: 1 post is, 2 posts are."""
    return f"1 {noun} {one}" if count == 1 else f"{count:,} {noun}s {several}"


def _most_first(found: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))


def _loosely(value: str) -> str:
    """A value without case, signs and blanks, and without an s at its end."""
    letters = "".join(filter(str.isalnum, value.casefold()))
    return letters.removesuffix("s") or letters
