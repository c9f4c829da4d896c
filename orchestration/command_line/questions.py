"""The questions of `bonus init`: what no option says is asked at a terminal, and taken as proposed elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import typer

from orchestration.new_program import answers
from orchestration.new_program.answers import METHODS, AnswerError, Answers

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Given:
    """The values of the options; None where one is left out."""

    program: str | None
    currency: str | None
    markets: Sequence[str]
    method: str | None
    first: str | None
    periods: str | None


def answered(given: Given, folder: str, *, asks: bool) -> Answers:
    """The answers to all questions; AnswerError where an option cannot be taken. Asks only if `asks`."""

    def one(text: str | None, question: str, proposed: str, read: Callable[[str], T]) -> T:
        if text is None and asks:
            return _asked(question, proposed, read)
        return read(proposed if text is None else text)

    return Answers(
        program=one(
            given.program,
            "Name of the program",
            answers.program_named_after(folder),
            answers.read_program,
        ),
        markets=_markets(given.markets, asks=asks),
        currency=one(given.currency, "Currency that you reckon in", "USD", answers.read_currency),
        method=one(
            given.method,
            "Method: rate (a price for points) or pool (a sum that is shared)",
            METHODS[0],
            answers.read_method,
        ),
        first=one(given.first, "First month", _this_month(), answers.read_first),
        periods=one(given.periods, "How many monthly periods", "3", answers.read_periods),
    )


def _markets(texts: Sequence[str], *, asks: bool) -> dict[str, str]:
    if texts or not asks:
        return answers.read_markets(texts or ["US=America/New_York"])
    codes = _asked("Markets: codes of countries, with blanks between them", "US", _codes)
    return {code: _zone(code) for code in codes}


def _codes(text: str) -> list[str]:
    """Codes of markets, whose zones are asked for next."""
    codes = text.replace(",", " ").split()
    answers.read_markets([f"{code}=UTC" for code in codes])
    for code in codes:
        if not answers.zones_of(code) and answers.zones_of(code.upper()):
            raise AnswerError(f"market {code}: write {code.upper()}, as the code of the country is")
    return codes


def _zone(code: str) -> str:
    zones = answers.zones_of(code)
    if len(zones) == 1:
        return zones[0]
    return _asked(
        f"Time zone of {code}",
        zones[0] if zones else "UTC",
        lambda text: answers.read_markets([f"{code}={text}"])[code],
    )


def _asked(question: str, proposed: str, read: Callable[[str], T]) -> T:
    """Asks until the answer can be taken."""

    def value(text: str) -> T:
        try:
            return read(text.strip())
        except AnswerError as error:
            raise typer.BadParameter(str(error)) from None

    found: T = typer.prompt(question, default=proposed, value_proc=value)
    return found


def _this_month() -> str:
    return f"{datetime.now(UTC).date():%Y-%m}"
