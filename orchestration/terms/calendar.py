"""When a day begins (contract §1: "Days are local to a market").

Instants are naive datetimes in UTC, as everywhere in the pipeline.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

UTC_ZONE = "UTC"


def day_starts_at(day: date, zone: str) -> datetime:
    """The first instant of `day` in `zone`, in UTC: "also where clocks change".

    A midnight that comes twice counts the first time; where it is skipped the day begins at the
    jump; a day that is skipped whole begins where the next one does.
    """
    local = ZoneInfo(zone)
    midnight = datetime.combine(day, time())
    candidates = [
        _to_utc(midnight.replace(fold=fold), local)
        for fold in (0, 1)
        if _to_local(_to_utc(midnight.replace(fold=fold), local), local) == midnight
    ]
    if candidates:
        return min(candidates)
    # In a gap the two folds lie on both sides of the jump; only whole seconds can be jumps.
    before = _to_utc(midnight.replace(fold=1), local)
    after = _to_utc(midnight.replace(fold=0), local)
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before).total_seconds() // 2)
        if _to_local(middle, local) >= midnight:
            after = middle
        else:
            before = middle
    return after


def _to_utc(naive: datetime, zone: ZoneInfo) -> datetime:
    return naive.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)


def _to_local(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)
