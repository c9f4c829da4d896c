"""A published period beside others: days, hours and rates of which a reader has to know before a close.

A period is compared with all that are published. So is each closed period that was run again and whose
differences it posts, and with what was paid for it. Belongs here: which facts there are. Does not: their words
(`remarks.py`), and figures of one period alone (`figures.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import combinations, product
from typing import TYPE_CHECKING, Final, Literal

from orchestration.publishing.store import PROGRAM_FILE, Publication
from orchestration.publishing.tables import PUBLISHED_TABLES, RESTATEMENT
from orchestration.records import RunRecord
from orchestration.reports.terms_changes import TermsChange, changes_for_period
from orchestration.terms.load import parse_program
from orchestration.terms.model import Program

if TYPE_CHECKING:
    import duckdb

_RATES: Final = PUBLISHED_TABLES["settlement_rates"]
_ELIGIBILITY: Final = PUBLISHED_TABLES["creator_eligibility"]


@dataclass(frozen=True, slots=True)
class WindowsTwice:
    """Creators, eligible in two periods, whose windows there share hours."""

    period: str  # the earlier one
    later: str
    creators: int
    begins_at: datetime  # the first of these hours, UTC
    ended_at: datetime  # the end of the last of them, UTC


@dataclass(frozen=True, slots=True)
class StrangeRate:
    """A rate by which is paid, over 20 % off that of a period that was published, or with none there."""

    period: str  # whose rate it is
    currency: str
    rate: Decimal  # what one unit of the program currency is in it
    beside: str  # the period that it is compared with
    former: Decimal | None


@dataclass(frozen=True, slots=True)
class DaysTwice:
    """Days that two periods count by the program files of their runs, or did as they were published."""

    period: str
    first: date
    last: date
    later: str  # the other one
    is_still_so: bool  # False: a restatement of `period` counts other days


@dataclass(frozen=True, slots=True)
class OtherInput:
    """A closed period whose differences are posted here, and whose last run read other input than this one's."""

    period: str
    by: str  # who started the run that read it
    what: Literal["landing", "program"]
    read: str  # the landing folder, or the path and hash of the program file
    own_read: str  # by the period that posts


@dataclass(frozen=True, slots=True)
class OtherTerms:
    """A closed period whose differences are posted here, and which was run again by other terms than before."""

    period: str
    by: str  # who started the run that read them
    changes: Sequence[TermsChange]


@dataclass(frozen=True, slots=True)
class Beside:
    """The facts of a period beside others."""

    days_twice: Sequence[DaysTwice]
    windows_twice: Sequence[WindowsTwice]
    rates: Sequence[StrangeRate]
    other_inputs: Sequence[OtherInput]
    other_terms: Sequence[OtherTerms]


def program_of(publication: Publication) -> Program:
    """The program file as the published run read it."""
    return _parsed(publication.program_file.read_bytes())


@lru_cache(maxsize=64)
def _parsed(content: bytes) -> Program:
    """A program file that was parsed before: the periods of a program mostly share one."""
    return parse_program(content, PROGRAM_FILE)


def before_of(published: Mapping[str, Publication], key: str) -> Publication | None:
    """The latest period published before a published one; None if there is none."""
    order = _in_order(published)
    at = order.index(published[key])
    return order[at - 1] if at else None


def beside_others(
    connection: duckdb.DuckDBPyConnection,
    published: Mapping[str, Publication],
    restated: Mapping[str, Publication],
    key: str,
    origins: Collection[str],
) -> Beside:
    """A published period beside all others. `origins` are the closed periods whose differences it posts."""
    order, own = _in_order(published), published[key]
    posted = {origin: restated[origin] for origin in sorted(origins) if origin in restated}
    return Beside(
        list(_days_twice(order, own, restated, posted)),
        list(_windows_twice(connection, order, own, restated, posted)),
        list(_strange_rates(connection, published, own, posted)),
        list(_other_inputs(own, posted)),
        list(_other_terms(order, posted)),
    )


def _in_order(published: Mapping[str, Publication]) -> list[Publication]:
    """All of them, by their first day: the file that one was run by may not know another."""
    return sorted(published.values(), key=lambda one: (_days(one)[0], one.period))


def _other_inputs(
    publication: Publication, posted: Mapping[str, Publication]
) -> Iterator[OtherInput]:
    own = publication.record()
    for key, version in posted.items():
        record = version.record()
        by = record.reader.by
        if record.landing != own.landing:
            yield OtherInput(key, by, "landing", record.landing, own.landing)
        if record.program_sha256 != own.program_sha256:
            yield OtherInput(key, by, "program", _file_of(record), _file_of(own))


def _file_of(record: RunRecord) -> str:
    """The program file of a run, with the beginning of its hash: the file may have been changed since."""
    return f"{record.program_file} ({record.program_sha256[:12]})"


def _other_terms(
    order: Sequence[Publication], posted: Mapping[str, Publication]
) -> Iterator[OtherTerms]:
    for closed in order:
        version = posted.get(closed.period)
        if version is not None:
            programs = program_of(closed), program_of(version)
            if changes := changes_for_period(*programs, closed.period):
                yield OtherTerms(closed.period, version.record().reader.by, changes)


def _days(publication: Publication) -> tuple[date, date]:
    """The first and the last day that a version counts, by the program file as its run read it."""
    program = program_of(publication)
    period = program.period(publication.period)
    return period.starts_on, program.last_day(period)


def _shared_days(one: Publication, other: Publication) -> tuple[date, date] | None:
    (first, last), (its_first, its_last) = _days(one), _days(other)
    shared = max(first, its_first), min(last, its_last)
    return shared if shared[0] <= shared[1] else None


def _days_twice(
    order: Sequence[Publication],
    own: Publication,
    restated: Mapping[str, Publication],
    posted: Mapping[str, Publication],
) -> Iterator[DaysTwice]:
    """Of the period with each other, as that was run last or was published; of what it posts with all others."""
    others = [one for one in order if one is not own]
    for one in others:
        latest = restated.get(one.period, one)
        if shared := _shared_days(own, latest):
            yield DaysTwice(one.period, *shared, own.period, is_still_so=True)
        elif shared := _shared_days(own, one):
            yield DaysTwice(one.period, *shared, own.period, is_still_so=False)
    for key, version in posted.items():
        for one in others:
            if one.period != key and (shared := _shared_days(version, one)):
                yield DaysTwice(key, *shared, one.period, is_still_so=True)


def _windows_twice(
    connection: duckdb.DuckDBPyConnection,
    order: Sequence[Publication],
    own: Publication,
    restated: Mapping[str, Publication],
    posted: Mapping[str, Publication],
) -> Iterator[WindowsTwice]:
    """Of each two of which one is the period, or a closed one whose differences it posts.

    Each counts as it was published and as it was run last.
    """
    asked = {own.period, *posted}
    for one, other in combinations(order, 2):
        if asked.isdisjoint((one.period, other.period)):
            continue
        pairs = product(_versions(one, restated), _versions(other, restated))
        near = [pair for pair in pairs if _may_share_hours(*pair)]
        if near and (shared := _windows_of(connection, near)).creators:
            yield shared


def _may_share_hours(one: Publication, other: Publication) -> bool:
    """True where days of two are other ones, but less than 48 hours apart, as no two markets are.

    Where days are the same ones, that is said of them.
    """
    (first, last), (its_first, its_last) = _days(one), _days(other)
    return timedelta(0) < max(first, its_first) - min(last, its_last) <= timedelta(days=2)


def _versions(publication: Publication, restated: Mapping[str, Publication]) -> list[Publication]:
    again = restated.get(publication.period)
    return [publication] if again is None else [publication, again]


def _windows_of(
    connection: duckdb.DuckDBPyConnection, pairs: Sequence[tuple[Publication, Publication]]
) -> WindowsTwice:
    """The hours that creators have in both of a pair: versions of one period, and of another one after it."""
    shared = " union all ".join(
        f"""
        select
            later.creator_id,
            greatest(former.window_start, later.window_start) as begins_at,
            least(former.window_end, later.window_end) as ended_at
        from ({after.relation(_ELIGIBILITY)}) as later
        inner join ({before.relation(_ELIGIBILITY)}) as former
            on later.creator_id = former.creator_id
        where later.eligible and former.eligible
            and later.window_start < former.window_end and former.window_start < later.window_end
        """
        for before, after in pairs
    )
    row = connection.execute(
        f"select count(distinct creator_id), min(begins_at), max(ended_at) from ({shared})"
    ).fetchone()
    assert row is not None, "an aggregate gives a row"
    ((before, after), *_) = pairs
    return WindowsTwice(before.period, after.period, *row)


def _strange_rates(
    connection: duckdb.DuckDBPyConnection,
    published: Mapping[str, Publication],
    own: Publication,
    posted: Mapping[str, Publication],
) -> Iterator[StrangeRate]:
    """Of the period beside the one before it; of the differences that it posts beside what was paid, or its own."""
    base = program_of(own).currency
    now = _rates(connection, own)
    before = before_of(published, own.period)
    if before is not None and before.has(_RATES):
        former = _rates(connection, before)
        for currency, rate in now.items():
            if currency != base and _is_strange(rate, former.get(currency)):
                yield StrangeRate(own.period, currency, rate, before.period, former.get(currency))
    for key, version in posted.items():
        paid = _rates(connection, published[key])
        for currency, rate in _posted_rates(connection, version):
            beside, known = (key, paid) if currency in paid else (own.period, now)
            if currency != base and _is_strange(rate, known.get(currency)):
                yield StrangeRate(key, currency, rate, beside, known.get(currency))


def _is_strange(rate: Decimal, former: Decimal | None) -> bool:
    return former is None or not former * 4 <= rate * 5 <= former * 6


def _rates(connection: duckdb.DuckDBPyConnection, version: Publication) -> dict[str, Decimal]:
    """The rates by which a version was settled, by payout currency; none where earlier code kept none."""
    rows = connection.execute(
        f"select payout_currency, fx_rate from ({version.relation(_RATES)}) order by 1"
    ).fetchall()
    return dict(rows)


def _posted_rates(
    connection: duckdb.DuckDBPyConnection, version: Publication
) -> list[tuple[str, Decimal]]:
    """The rates by which a restatement has computed a difference."""
    return connection.execute(
        f"select distinct payout_currency, fx_rate from ({version.relation(RESTATEMENT)})"
        " where difference_minor <> 0 and fx_rate is not null order by 1, 2"
    ).fetchall()
