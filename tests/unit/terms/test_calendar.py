"""§1: "A day begins at its first instant, also where clocks change"."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from time import tzset
from zoneinfo import ZoneInfo

import pytest

from orchestration.terms.calendar import day_starts_at, zone_names

# Zones whose clocks change at or around midnight, skip or repeat whole days, or have odd offsets.
ZONES = [
    "Africa/Cairo",
    "Africa/Monrovia",
    "America/Asuncion",
    "America/Caracas",
    "America/Goose_Bay",
    "America/Havana",
    "America/Los_Angeles",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/Scoresbysund",
    "America/St_Johns",
    "Antarctica/Casey",
    "Asia/Amman",
    "Asia/Beirut",
    "Asia/Damascus",
    "Asia/Gaza",
    "Asia/Kathmandu",
    "Asia/Pyongyang",
    "Asia/Seoul",
    "Asia/Tehran",
    "Asia/Tokyo",
    "Atlantic/Azores",
    "Australia/Lord_Howe",
    "Europe/Lisbon",
    "Pacific/Apia",
    "Pacific/Enderbury",
    "Pacific/Fakaofo",
    "Pacific/Kiritimati",
    "Pacific/Kwajalein",
    "UTC",
]


@pytest.mark.parametrize(
    ("zone", "day", "starts_at"),
    [
        ("UTC", "2024-03-29", "2024-03-29T00:00:00"),
        ("America/Los_Angeles", "2024-03-29", "2024-03-29T07:00:00"),
        ("Asia/Tokyo", "2024-03-29", "2024-03-28T15:00:00"),
        # Clocks change at 02:00: the day is short, its beginning as ever.
        ("America/Los_Angeles", "2024-03-10", "2024-03-10T08:00:00"),
        # 00:00 is skipped, clocks go from 24:00 to 01:00.
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00"),
        ("Africa/Cairo", "2023-04-28", "2023-04-27T22:00:00"),
        # 01:00 becomes 00:00: midnight comes twice, and the first counts.
        ("America/Havana", "2024-11-03", "2024-11-03T04:00:00"),
        # 24:00 becomes 23:00: the day before has 25 hours.
        ("Asia/Beirut", "2024-10-27", "2024-10-26T22:00:00"),
        # 00:01 becomes 23:01 of the day before: the first minute of the day counts.
        ("America/St_Johns", "2010-11-07", "2010-11-07T02:30:00"),
        # 30 December 2011 did not happen, it begins with the 31st.
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00"),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00"),
        ("Pacific/Kwajalein", "1993-08-21", "1993-08-21T12:00:00"),
        # 23:30 becomes 00:30: the day begins before the midnight that would have been.
        ("America/Toronto", "1919-03-31", "1919-03-31T04:30:00"),
        # An offset with seconds.
        ("Africa/Monrovia", "1972-01-07", "1972-01-07T00:44:30"),
    ],
)
def test_first_instant(zone: str, day: str, starts_at: str) -> None:
    found = day_starts_at(date.fromisoformat(day), zone)
    assert found == datetime.fromisoformat(starts_at)
    assert found.tzinfo is None


@pytest.fixture
def machine_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine's clock five hours behind UTC, as Toronto's was."""
    monkeypatch.setenv("TZ", "Etc/GMT+5")
    tzset()
    yield
    monkeypatch.undo()
    tzset()


@pytest.mark.usefixtures("machine_zone")
def test_the_time_zone_of_the_machine_does_not_matter() -> None:
    assert day_starts_at(date(1919, 3, 31), "America/Toronto") == datetime(1919, 3, 31, 4, 30)
    assert day_starts_at(date(2024, 3, 29), "Asia/Tokyo") == datetime(2024, 3, 28, 15)


@pytest.mark.parametrize("zone", ZONES)
def test_first_instant_is_the_least_with_that_date_or_a_later_one(zone: str) -> None:
    days = days_of_change_at_midnight(zone)
    for day in [*days[:: len(days) // 5 + 1], date(1970, 1, 2), date(2040, 2, 29)]:
        assert day_starts_at(day, zone) == first_instant_by_search(day, zone), day


def test_days_follow_each_other_in_every_zone() -> None:
    for zone in sorted(zone_names()):
        starts = [day_starts_at(date(2024, 1, 1) + timedelta(days=n), zone) for n in range(3)]
        assert starts == sorted(starts), zone


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "/etc/passwd", "america/los_angeles"])
def test_unknown_zones(name: str) -> None:
    assert name not in zone_names()
    with pytest.raises(ValueError, match="unknown time zone"):
        day_starts_at(date(2024, 1, 1), name)


def test_a_zone_that_means_this_machine_is_unknown() -> None:
    assert "localtime" not in zone_names()


def local_time(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.replace(tzinfo=UTC).astimezone(zone)


def days_of_change_at_midnight(zone_name: str) -> list[date]:
    """The days of 1970 to 2040 near whose midnight the clocks change, and their neighbours."""
    zone, days = ZoneInfo(zone_name), set()
    for number in range(71 * 365):
        day = date(1970, 1, 2) + timedelta(days=number)
        midnight = datetime.combine(day, time())
        before, after = midnight - timedelta(hours=2), midnight + timedelta(hours=2)
        if before.replace(tzinfo=zone).utcoffset() != after.replace(tzinfo=zone).utcoffset():
            days |= {day - timedelta(days=1), day, day + timedelta(days=1)}
    return sorted(days)


def first_instant_by_search(day: date, zone_name: str) -> datetime:
    """The definition, by trying: minute by minute, then second by second in the minute found."""
    zone = ZoneInfo(zone_name)
    instant = datetime.combine(day, time()) - timedelta(hours=27)
    while local_time(instant, zone).date() < day:
        instant += timedelta(minutes=1)
    instant -= timedelta(minutes=1)
    while local_time(instant, zone).date() < day:
        instant += timedelta(seconds=1)
    return instant
