"""The right value that is nearest to a wrong one: a hint for people, which nothing else goes by."""

import re
from datetime import UTC, date, datetime
from typing import Final

from orchestration.foundations.texts import nearest_name
from orchestration.ingest.datasets import Column, Kind
from orchestration.terms.currencies import CURRENCIES

_FLAGS: Final = {"1": "true", "yes": "true", "y": "true", "t": "true", "on": "true",
                 "0": "false", "no": "false", "n": "false", "f": "false", "off": "false"}  # fmt: skip
_GROUPED: Final = re.compile(r"[0-9]{1,3}([,_' ][0-9]{3})+")
_MONEY: Final = re.compile(r"[+-]?([0-9]+|[0-9]{1,3}(,[0-9]{3})+)(\.[0-9]+)?")
_YEAR_FIRST: Final = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})(.*)")
_YEAR_LAST: Final = re.compile(r"([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{4})(.*)")
_TIME: Final = re.compile(r"[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2})?(\.[0-9]{1,6})?[0-9]*(.*)")
_EPOCH: Final = re.compile(r"([0-9]{10})(?:[0-9]{3})?")
_LONGEST_CHARACTERS: Final = 80  # nobody means a longer text to be a value of these kinds


def nearest_value(column: Column, found: str) -> str | None:
    """The value that was probably meant, where the kind of column lets one tell; else None."""
    text = found.strip()
    if len(text) > _LONGEST_CHARACTERS:
        return None
    match column.kind:
        case Kind.CHOICE:
            return nearest_name(text, column.choices)
        case Kind.CURRENCY:
            return text.upper() if text.upper() in CURRENCIES else None
        case Kind.FLAG:
            return _FLAGS.get(text.casefold()) or nearest_name(text, ("true", "false"))
        case Kind.COUNT:
            return re.sub("[^0-9]", "", text) if _GROUPED.fullmatch(text) else None
        case Kind.DAY:
            return _day(text)[0]
        case Kind.TIMESTAMP:
            return _instant(text)
        case Kind.RATE | Kind.CAP | Kind.AMOUNT:
            return _decimal(text)
    return None


def _decimal(text: str) -> str | None:
    """Of `0,92` and `1,234.50`; `1,234` alone may be either."""
    if re.fullmatch("[+-]?[0-9]+,[0-9]{1,2}", text):
        return text.replace(",", ".")
    grouped = _MONEY.fullmatch(text)
    return text.replace(",", "") if grouped and grouped[2] and grouped[3] else None


def _day(text: str) -> tuple[str | None, str]:
    """The day that a text begins with and what follows it; None where day and month may be either."""
    if first := _YEAR_FIRST.fullmatch(text):
        year, month, day, rest = first[1], int(first[2]), int(first[3]), first[4]
        if month > 12:
            day, month = month, day
    elif last := _YEAR_LAST.fullmatch(text):
        day, month, year, rest = int(last[1]), int(last[3]), last[4], last[5]
        if month > 12:
            day, month = month, day
        elif day <= 12 and day != month and last[2] != ".":
            return None, rest
    else:
        return None, ""
    try:
        return date(int(year), month, day).isoformat(), rest
    except ValueError:
        return None, rest


def _instant(text: str) -> str | None:
    """With UTC where a text names no offset; of seconds or milliseconds since 1970, too."""
    if epoch := _EPOCH.fullmatch(text):
        return datetime.fromtimestamp(int(epoch[1]), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    day, rest = _day(text)
    if day is None or not rest.strip():
        return day and f"{day}T00:00:00Z"
    time = _TIME.fullmatch(rest)
    if time is None:
        return None
    zone = time[4].strip().upper() or "Z"
    if not re.fullmatch(r"Z|UTC|[+-][0-9]{2}(:?[0-9]{2})?", zone):
        return None
    return f"{day}T{time[1]}{time[2] or ':00'}{time[3] or ''}{zone.replace('UTC', 'Z')}"
