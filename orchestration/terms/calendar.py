"""Days: when a day begins in a time zone, as an instant in UTC (contract §1, "Days").

Instants are naive datetimes in UTC, as in the tables; days are dates. This is the one place where
local time is computed: everything else joins the instants that `tables` writes.

Zones come from the pinned package tzdata, never from the machine: a machine with other zone files
would find other windows, and pay other amounts.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo


@cache
def zone_names() -> frozenset[str]:
    """The names of all time zones there are, such as America/Los_Angeles."""
    return frozenset(files("tzdata").joinpath("zones").read_text("utf-8").split())


def day_starts_at(day: date, zone: str) -> datetime:
    """The first instant of the day in the zone, naive UTC: the least with that date or a later one.

    Where midnight comes twice it is the first, where midnight is skipped the instant of the jump; a
    day that is skipped as a whole begins when the next one does, so it is empty. ValueError for an
    unknown zone.
    """
    local_zone = _zone(zone)
    midnight = datetime.combine(day, time())

    # PEP 495: fold=0 is the first of two passes of a wall time; of a wall time that is skipped it
    # is counted from the offset before the jump, fold=1 from the one after it.
    instant = midnight - _utc_offset(midnight.replace(tzinfo=local_zone))
    if _local_time(instant, local_zone) == midnight:
        return instant

    # Midnight is skipped: this instant is at or after the jump, the other before it.
    before = midnight - _utc_offset(midnight.replace(tzinfo=local_zone, fold=1))
    return _jump_between(before, instant, local_zone, day)


def wall_time(instant: datetime, zone: str) -> datetime:
    """The time that a clock in the zone shows at an instant (naive UTC); ValueError for an unknown zone."""
    return _local_time(instant, _zone(zone))


@cache
def _zone(name: str) -> ZoneInfo:
    if name not in zone_names():  # before it becomes part of a path
        raise ValueError(f"unknown time zone: {name!r}")
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def _jump_between(before: datetime, after: datetime, zone: ZoneInfo, day: date) -> datetime:
    """The instant in (before, after] at which the local date becomes `day` or later.

    Clocks change once between the two, and at a whole second.
    """
    while (seconds := int((after - before).total_seconds())) > 1:
        middle = before + timedelta(seconds=seconds // 2)
        if _local_time(middle, zone).date() >= day:
            after = middle
        else:
            before = middle
    return after


def _local_time(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)


def _utc_offset(local: datetime) -> timedelta:
    offset = local.utcoffset()
    assert offset is not None, "a datetime with a ZoneInfo has an offset"
    return offset
