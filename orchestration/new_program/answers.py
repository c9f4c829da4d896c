"""The answers that are needed before a program is written: read from a text, or refused with what is expected."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Final, Literal, cast

from orchestration.foundations.texts import shown
from orchestration.terms import values
from orchestration.terms.calendar import zone_names
from orchestration.terms.currencies import is_current
from orchestration.terms.problems import LONGEST_SHOWN

Method = Literal["rate", "pool"]
METHODS: Final[tuple[Method, Method]] = ("rate", "pool")

MOST_MARKETS: Final = 60
MOST_PERIODS: Final = 24
_FIRST_YEAR, _LAST_YEAR = 2000, 2099
_MARKET = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
_SHOWN_ZONES = 4


class AnswerError(ValueError):
    """An answer that cannot be taken; says what was found and what is expected."""


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers that a new program is made of. `markets` are time zones by market, in the order given."""

    program: str
    currency: str
    markets: Mapping[str, str]
    method: Method
    first: date  # the first day of the first period
    periods: int  # how many, a month each

    def months(self) -> list[tuple[date, date]]:
        """The first and the last day of each period."""
        found, starts_on = [], self.first
        for _ in range(self.periods):
            following = (starts_on + timedelta(days=31)).replace(day=1)
            found.append((starts_on, following - timedelta(days=1)))
            starts_on = following
        return found


def read_program(text: str) -> str:
    """A program's name (§1)."""
    try:
        return values.name(text)
    except values.Unfit as error:
        raise AnswerError(f"program: found {_found(text)}, {error}") from None


def program_named_after(folder: str) -> str:
    """A program's name made from that of a folder; `my-bonus` where nothing of it is left."""
    plain = unicodedata.normalize("NFKD", folder).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-")
    return name or "my-bonus"


def read_currency(text: str) -> str:
    """A currency code of ISO 4217."""
    if not is_current(text):
        near = ": write it in upper case" if is_current(text.upper()) else ""
        raise AnswerError(
            f"currency: found {_found(text)}, expected an ISO 4217 code, such as USD{near}"
        )
    return text


def read_method(text: str) -> Method:
    """The method by which points become money (§6)."""
    if text not in METHODS:
        raise AnswerError(
            f"method: found {_found(text)}, expected rate (a price for points) or pool (a sum that is shared)"
        )
    return cast(Method, text)


def read_periods(text: str) -> int:
    """The number of monthly periods."""
    if not re.fullmatch(r"[0-9]{1,3}", text) or not 1 <= int(text) <= MOST_PERIODS:
        raise AnswerError(
            f"periods: found {_found(text)}, expected a whole number, 1 to {MOST_PERIODS}"
        )
    return int(text)


def read_first(text: str) -> date:
    """The month of the first period, as its first day."""
    found = _MONTH.fullmatch(text)
    if not found or not _FIRST_YEAR <= int(found[1]) <= _LAST_YEAR:
        raise AnswerError(
            f"first: found {_found(text)}, expected a month, YYYY-MM, {_FIRST_YEAR} to {_LAST_YEAR}"
        )
    return date(int(found[1]), int(found[2]), 1)


def read_markets(texts: Sequence[str]) -> dict[str, str]:
    """Time zones by market, from texts like `FR` or `US=America/Los_Angeles`.

    A market that is a country with one time zone needs no zone.
    """
    if not 1 <= len(texts) <= MOST_MARKETS:
        raise AnswerError(f"markets: found {len(texts)}, expected 1 to {MOST_MARKETS}")
    found: dict[str, str] = {}
    for text in texts:
        market, has_zone, zone = text.partition("=")
        if (
            not _MARKET.fullmatch(market) or market.lower() == "null"
        ):  # which YAML takes for nothing
            raise AnswerError(
                f"market: found {_found(market)}, expected a code of letters, digits, - and _ "
                "(at most 40, a letter first), such as FR"
            )
        if market in found:
            raise AnswerError(f"market: {market} is given twice")
        found[market] = _known_zone(market, zone) if has_zone else only_zone(market)
    return found


def _known_zone(market: str, zone: str) -> str:
    if zone not in zone_names():
        raise AnswerError(
            f"market {market}: found the time zone {_found(zone)}, "
            f"expected one such as {(zones_of(market) or ['Europe/Paris'])[0]}"
        )
    return zone


def only_zone(market: str) -> str:
    """The time zone of a country that has one; AnswerError for all others."""
    zones = zones_of(market)
    if len(zones) == 1:
        return zones[0]
    if not zones:
        near = f"write {market.upper()}, or " if zones_of(market.upper()) else ""
        raise AnswerError(
            f"market {market}: it is no country code, so {near}say its time zone: "
            f"{market}=Europe/Paris"
        )
    more = f" and {len(zones) - _SHOWN_ZONES} more" if len(zones) > _SHOWN_ZONES else ""
    raise AnswerError(
        f"market {market}: it has several time zones ({', '.join(zones[:_SHOWN_ZONES])}{more}), "
        f"so say which: {market}={zones[0]}"
    )


def zones_of(country: str) -> list[str]:
    """The time zones of a country (ISO 3166), in the order of the IANA database; none if it is none."""
    return _zones_by_country().get(country, [])


@cache
def _zones_by_country() -> dict[str, list[str]]:
    """From the table of the IANA database that comes with tzdata."""
    found: dict[str, list[str]] = {}
    table = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8")
    for line in table.splitlines():
        if line and not line.startswith("#"):
            country, _, zone, *_ = line.split("\t")
            found.setdefault(country, []).append(zone)
    return found


def _found(text: str) -> str:
    return f"'{shown(text, LONGEST_SHOWN)}'"
