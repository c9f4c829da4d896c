"""Local days as instants in UTC (contract §1)."""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


@cache
def begin(day: date, zone: ZoneInfo) -> datetime:
    """§1: "day D begins at local midnight in the market's time zone"; "A day begins at its first instant, also where
    clocks change". Of two midnights that is the first; where midnight was skipped, the end of the gap; a day that was
    skipped altogether is empty and begins where the next one does."""
    midnight = datetime.combine(day, time(0), tzinfo=zone)
    first = midnight.replace(fold=0).astimezone(UTC)
    before = midnight.replace(fold=1).astimezone(UTC)
    if before >= first:  # midnight exists, once or twice
        return first
    while (
        first - before > SECOND
    ):  # it lies in a gap, whose end is after `before` and not after `first`
        middle = before + (first - before) // (2 * SECOND) * SECOND
        if middle.astimezone(zone).date() < day:
            before = middle
        else:
            first = middle
    return first


def day_of(instant: datetime, zone: ZoneInfo) -> date:
    """§1: "day D begins at local midnight": the day of an instant is the last one that has begun by then."""
    day = instant.astimezone(zone).date()
    while (
        begin(day + DAY, zone) <= instant
    ):  # the clock went back over midnight, and the new day had begun before
        day += DAY
    return day


def begin_utc(day: date) -> datetime:
    """§1: "closes_on and pays_on begin at 00:00 UTC"."""
    return datetime.combine(day, time(0), tzinfo=UTC)
