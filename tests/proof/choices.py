"""What whole programs are drawn from: ids, zones and days, counts, and the instants at boundaries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from tests.proof.cases import MICROSECOND
from tests.reference.days import begin

T = TypeVar("T")

# §2: 1 to 128 characters, none a control character; taken as they stand. Sorted bytewise they are
# in another order than by case, by width or by UTF-16.
AWKWARD_IDS = (
    *("=1+1", "+1", "-1", "@x", "'q", '"q"', "a,b", "a;b", " x ", "null", "NaN", "true", "0", "00"),
    *(
        "1e3",
        "1.0",
        "A",
        "a",
        "aa",
        "é",
        "e\u0301",
        "ß",
        "日本",
        "日",
        "😀",
        "\uffff",
        "\U0010ffff",
    ),
    *("\ufeff", "\u00a0", "\u2028", "ا", "🇯🇵", "a|b", "a:b", "%s", "$1", "{{x}}", "\\n", "a/b"),
    *("../x", "*", "z" * 128, "界" * 128, "payable:a", "none", "~", "#", "''", "\\", "{batch}"),
)
IDS = st.sampled_from(AWKWARD_IDS) | st.text(
    st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=128
)

# Where clocks change at midnight, by half an hour, or a day was left out; and odd offsets.
ZONES_BY_DAY = (
    (date(2024, 3, 29), ("America/Los_Angeles", "Asia/Beirut", "Europe/Oslo", "Asia/Kathmandu")),
    (date(2024, 11, 1), ("America/Havana", "America/Los_Angeles", "America/St_Johns", "UTC")),
    (date(2011, 12, 29), ("Pacific/Apia", "Pacific/Kiritimati", "Asia/Tokyo", "Pacific/Fakaofo")),
    (date(2024, 2, 28), ("Asia/Tokyo", "Asia/Kathmandu", "Pacific/Marquesas", "UTC")),
    (date(2018, 11, 2), ("America/Sao_Paulo", "America/Havana", "Australia/Eucla", "UTC")),
    (date(2023, 4, 26), ("Africa/Cairo", "Australia/Lord_Howe", "Asia/Kolkata", "Asia/Seoul")),
    (date(2024, 10, 4), ("Australia/Lord_Howe", "America/Asuncion", "Pacific/Chatham", "UTC")),
)
MARKETS = ("US", "JP", "KR", "NO", "=m", "日本")
CONTENT_TYPES = ("reel", "photo", "=c", "日本")
COUNTRIES = ("US", "JP", "KR", "NO", "=m", "日本", "XX")
CURRENCIES = ("USD", "JPY", "EUR", "KWD", "KRW", "NOK", "CLF")
RESIDENCES = ("US", "JP", "日本", "*", "=r")
FORMS = ("w9", "none", "*")
GREATEST_COUNT = 10**15

_WHOLE = cache(lambda most: st.integers(0, most))


class Draw:
    """Draws as `hypothesis` does, with short words; whatever it gives first is the simplest."""

    def __init__(self, draw: Callable[[Any], Any]) -> None:
        self.any = draw

    def upto(self, most: int) -> int:
        """A whole number from 0 to `most`."""
        found: int = self.any(_WHOLE(most)) if most else 0
        return found

    def of(self, options: Sequence[T]) -> T:
        """One of them; the first is the simplest."""
        return options[self.upto(len(options) - 1)]

    def rarely(self, times: int) -> bool:
        """True about once in so many times."""
        return self.upto(times - 1) == times - 1

    def mostly(self, times: int) -> bool:
        """True but for about once in so many times."""
        return not self.rarely(times)

    def some(self, options: Sequence[T], least: int = 0) -> list[T]:
        """A few of them, each once, in the order given."""
        kept = [option for option in options if self.upto(1)]
        return kept if len(kept) >= least else list(options[:least])

    def most_of(self, options: Sequence[T]) -> list[T]:
        """Nearly all of them, in the order given."""
        return [option for option in options if self.mostly(8)]

    def ids(self, count: int, plain: str) -> list[str]:
        """As many different ids: now and then awkward ones, else plain ones."""
        if self.mostly(3):
            return [f"{plain}{number}" for number in range(count)]
        found: list[str] = self.any(st.lists(IDS, min_size=count, max_size=count, unique=True))
        return found

    def shuffled(self, options: Iterable[T]) -> list[T]:
        """All of them in some order."""
        left, taken = list(options), []
        while left:
            taken.append(left.pop(self.upto(len(left) - 1)))
        return taken


def around(instants: Iterable[datetime]) -> list[datetime]:
    """Each instant, and the microseconds beside it, in order."""
    return sorted({at + side * MICROSECOND for at in instants for side in (-1, 0, 1)})


def day_begins(days: Iterable[date], zones: Iterable[str]) -> list[datetime]:
    """The first instants of the days in the zones, in UTC."""
    return [begin(day, ZoneInfo(zone)).astimezone(UTC) for day in days for zone in zones]


def days(first: date, last: date) -> list[date]:
    """All days from first to last."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]
