"""The figures of a published period, read from its version; exact, and not yet text.

Money is in minor units of its currency (the program's, where none is named), points are decimals.
Belongs here: what is counted and summed, over which table of §9. Does not: words, charts, HTML.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from orchestration.publishing.store import PROGRAM_FILE, Publication
from orchestration.publishing.tables import PUBLISHED_TABLES
from orchestration.records import CloseEntry, RunRecord, Totals
from orchestration.reports.distribution import bin_edges, gini
from orchestration.terms.currencies import minor_unit_decimals, minor_units
from orchestration.terms.load import parse_program
from orchestration.terms.model import Period, Program, TermsVersion
from orchestration.terms.unmatched import Unmatched, Values, unmatched

if TYPE_CHECKING:
    import duckdb

SHOWN_TOP: Final = 10
MOST_ROWS: Final = 25
"""Markets and content types are ids of any kind: beyond so many, the rest is one row."""


@dataclass(frozen=True, slots=True)
class MarketRow:
    """The figures of a market's creators (those of creator_eligibility); market None: unknown."""

    market: str | None
    creators: int
    eligible: int
    capped: int
    points: Decimal
    amount_minor: int


@dataclass(frozen=True, slots=True)
class ContentRow:
    """The amounts of the posts of a content type: the performance parts of their creators' amounts."""

    content_type: str | None
    posts: int
    eligible: int
    qualified_views: int
    points: Decimal
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Bin:
    """Eligible creators that earned [from_minor, to_minor); both 0: those that earned nothing."""

    from_minor: int
    to_minor: int
    creators: int


@dataclass(frozen=True, slots=True)
class Spread:
    """The distribution of payouts in a currency over its paid rows; quantiles are amounts that occur."""

    currency: str
    rows: int
    least_minor: int
    median_minor: int
    percentile_90_minor: int
    greatest_minor: int
    payout_minor: int
    gini: Fraction | None


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """The number of rows with a reason, and of those that have no other."""

    code: str
    rows: int
    alone: int


@dataclass(frozen=True, slots=True)
class SettlementRow:
    """Ledger rows of one currency, status and reason, and their sums."""

    currency: str
    status: str
    reason: str | None
    rows: int
    opening_minor: int
    earnings_minor: int
    adjustments_minor: int
    returns_minor: int
    payable_minor: int
    withheld_minor: int
    payout_minor: int
    closing_minor: int


@dataclass(frozen=True, slots=True)
class AdjustmentRow:
    """The postings of the period beside its earnings, by kind, period and currency of journal entries."""

    kind: str  # adjustment (an earlier period was restated), manual (by hand), return (a payout came back)
    origin_period: str
    currency: str
    creators: int
    more_minor: int  # of creators that get something by them
    less_minor: int  # of those from whom something is taken, below 0

    @property
    def amount_minor(self) -> int:
        """Both together."""
        return self.more_minor + self.less_minor


@dataclass(frozen=True, slots=True)
class WindowsTwice:
    """Creators, eligible in both periods, whose window begins before that of the period before has ended."""

    creators: int
    begins_at: datetime  # the first of these windows, UTC
    ended_at: datetime  # the last of those of the period before, UTC


@dataclass(frozen=True, slots=True)
class StrangeRate:
    """A rate that is over 20 % off that of the period before, or that has none there."""

    currency: str
    rate: Decimal  # what one unit of the program currency is in it
    former: Decimal | None


@dataclass(frozen=True, slots=True)
class DaysTwice:
    """Days that an earlier period counts, too, by the program file of its latest run, or did as it was published."""

    period: str
    first: date
    last: date
    is_still_so: bool  # False: a restatement of it counts other days


@dataclass(frozen=True, slots=True)
class OtherInput:
    """A closed period whose differences are posted here, and whose last run read other input than this one's."""

    period: str
    by: str  # who started the run that read it
    what: Literal["landing", "program"]
    read: str  # the landing folder, or the path and hash of the program file
    own_read: str  # by the period that posts


@dataclass(frozen=True, slots=True)
class Compared:
    """A period beside those published before it: days, hours and rates of which a reader has to know."""

    period: str  # the key of the one just before
    days_twice: Sequence[DaysTwice]
    windows_twice: WindowsTwice | None  # with the one just before
    rates: Sequence[StrangeRate]  # beside those of the one just before, by which it pays
    other_inputs: Sequence[OtherInput]


@dataclass(frozen=True, slots=True)
class TopRow:
    """A creator among those that earned most."""

    creator_id: str
    market: str | None
    points: Decimal
    amount_minor: int


@dataclass(frozen=True, slots=True)
class PeriodFigures:
    """All that a period's page tells."""

    program: Program
    period: Period
    revision: int
    record: RunRecord
    closed: CloseEntry | None
    restated: RunRecord | None  # of the restatement
    before: Publication | None
    compared: Compared | None
    points: Decimal
    budget_minor: int | None
    markets: Sequence[MarketRow]
    contents: Sequence[ContentRow]
    milestones_minor: int
    bins: Sequence[Bin]
    earnings_gini: Fraction | None
    spreads: Sequence[Spread]
    creator_reasons: Sequence[ReasonRow]
    post_reasons: Sequence[ReasonRow]
    settlement: Sequence[SettlementRow]
    adjustments: Sequence[AdjustmentRow]
    unmatched: Sequence[Unmatched]
    top: Sequence[TopRow]
    # All payouts, at the period's rates, in the program currency, rounded once; None: no rate is known.
    paid_in_all_minor: int | None

    @property
    def totals(self) -> Totals:
        """Counts and sums of the run's record."""
        return self.record.totals

    @property
    def version(self) -> TermsVersion:
        """The terms in force on the period's last day: they judge creators and pay them."""
        return self.program.version_in_force(self.program.last_day(self.period))


def program_of(publication: Publication) -> Program:
    """The program file as the published run read it."""
    return _parsed(publication.program_file.read_bytes())


@lru_cache(maxsize=8)
def _parsed(content: bytes) -> Program:
    """A program file that was parsed before: the periods of a program mostly share one."""
    return parse_program(content, PROGRAM_FILE)


def period_figures(
    published: Mapping[str, Publication], restated: Mapping[str, Publication], key: str
) -> PeriodFigures:
    """The figures of a published period; KeyError if it is not among `published`."""
    import duckdb

    publication = published[key]
    program = program_of(publication)
    before = before_of(published, key)
    seal, period = publication.seal, program.period(key)
    with duckdb.connect() as connection:
        for name, table in PUBLISHED_TABLES.items():
            connection.execute(f"create view {name} as {publication.relation(table)}")
        adjustments = adjustment_rows(connection)
        return PeriodFigures(
            program=program,
            period=period,
            revision=publication.revision,
            record=publication.record(),
            closed=CloseEntry.from_line(seal) if seal is not None else None,
            restated=restated[key].record() if key in restated else None,
            before=before,
            compared=compared_with(connection, published, restated, key, adjustments),
            points=_one(connection, "select coalesce(sum(points), 0) from creator_earnings"),
            budget_minor=None
            if period.budget is None
            else minor_units(period.budget, program.currency),
            markets=_markets(connection),
            contents=_contents(connection),
            milestones_minor=_one(
                connection, "select coalesce(sum(milestone_minor), 0) from creator_earnings"
            ),
            bins=_bins(connection),
            earnings_gini=_earnings_gini(connection),
            spreads=_spreads(connection),
            creator_reasons=reason_rows(connection, "creator_eligibility"),
            post_reasons=reason_rows(connection, "post_eligibility"),
            settlement=_settlement(connection),
            adjustments=adjustments,
            unmatched=unmatched_values(connection, program),
            top=_top(connection),
            paid_in_all_minor=_paid_in_all(connection, program.currency),
        )


def before_of(published: Mapping[str, Publication], key: str) -> Publication | None:
    """The latest period published before a published one; None if there is none."""
    return next(reversed(_earlier(published, key)), None)


def _earlier(published: Mapping[str, Publication], key: str) -> list[Publication]:
    order = [entry.key for entry in program_of(published[key]).periods]
    return [published[entry] for entry in order[: order.index(key)] if entry in published]


def compared_with(
    connection: duckdb.DuckDBPyConnection,
    published: Mapping[str, Publication],
    restated: Mapping[str, Publication],
    key: str,
    adjustments: Sequence[AdjustmentRow],
) -> Compared | None:
    """A published period, of which `connection` has tables, beside those before it; None if there are none.

    `adjustments` are those that it posts.
    """
    before = before_of(published, key)
    if before is None:
        return None
    # Beside what was paid: what a restatement has found may be read from any files.
    return Compared(
        before.period,
        _days_twice(published, restated, key),
        _windows_twice(connection, before),
        _strange_rates(connection, program_of(published[key]), before),
        _other_inputs(published[key], restated, adjustments),
    )


def _other_inputs(
    publication: Publication,
    restated: Mapping[str, Publication],
    adjustments: Sequence[AdjustmentRow],
) -> list[OtherInput]:
    origins = {row.origin_period for row in adjustments if row.kind == "adjustment"}
    records = {key: restated[key].record() for key in sorted(origins) if key in restated}
    if not records:
        return []
    own = publication.record()
    found = []
    for key, record in records.items():
        by = record.reader.by
        if record.landing != own.landing:
            found.append(OtherInput(key, by, "landing", record.landing, own.landing))
        if record.program_sha256 != own.program_sha256:
            found.append(OtherInput(key, by, "program", _file_of(record), _file_of(own)))
    return found


def _file_of(record: RunRecord) -> str:
    """The program file of a run, with the beginning of its hash: the file may have been changed since."""
    return f"{record.program_file} ({record.program_sha256[:12]})"


def _days(publication: Publication) -> tuple[date, date]:
    """The first and the last day that a period counts, by the program file as its run read it."""
    program = program_of(publication)
    period = program.period(publication.period)
    return period.starts_on, program.last_day(period)


def _days_twice(
    published: Mapping[str, Publication], restated: Mapping[str, Publication], key: str
) -> list[DaysTwice]:
    first, last = _days(published[key])
    found = []
    for one in _earlier(published, key):
        latest = restated.get(one.period, one)
        for version in {latest.folder: latest, one.folder: one}.values():
            its_first, its_last = _days(version)
            shared = max(first, its_first), min(last, its_last)
            if shared[0] <= shared[1]:
                found.append(DaysTwice(one.period, *shared, is_still_so=version is latest))
                break
    return found


def _strange_rates(
    connection: duckdb.DuckDBPyConnection, program: Program, before: Publication
) -> list[StrangeRate]:
    table = PUBLISHED_TABLES["settlement_rates"]
    if not before.has(table):
        return []
    rows = connection.execute(
        f"""
        select now.payout_currency, now.fx_rate, former.fx_rate
        from settlement_rates as now
        left join ({before.relation(table)}) as former
            on now.payout_currency = former.payout_currency
        where now.payout_currency <> $1
        order by 1
        """,
        [program.currency],
    ).fetchall()
    found = [StrangeRate(*row) for row in rows]
    return [
        row
        for row in found
        if row.former is None or not row.former * 4 <= row.rate * 5 <= row.former * 6
    ]


def _windows_twice(
    connection: duckdb.DuckDBPyConnection, before: Publication
) -> WindowsTwice | None:
    """The windows of `creator_eligibility` that begin within those of the period before; None if none does."""
    row = connection.execute(
        f"""
        select count(*), min(now.window_start), max(former.window_end)
        from creator_eligibility as now
        inner join ({before.relation(PUBLISHED_TABLES["creator_eligibility"])}) as former
            on now.creator_id = former.creator_id
        where now.eligible and former.eligible and now.window_start < former.window_end
        """
    ).fetchone()
    assert row is not None, "an aggregate gives a row"
    return WindowsTwice(*row) if row[0] else None


def _markets(connection: duckdb.DuckDBPyConnection) -> list[MarketRow]:
    rows = connection.execute(
        """
        select
            eligibility.market, count(*), count(*) filter (where eligibility.eligible),
            count(*) filter (where earnings.capped), coalesce(sum(earnings.points), 0),
            coalesce(sum(earnings.program_amount_minor), 0)
        from creator_eligibility as eligibility
        left join creator_earnings as earnings on eligibility.creator_id = earnings.creator_id
        group by eligibility.market
        order by 6 desc, 2 desc, 1 nulls last
        """
    ).fetchall()
    return _with_one_rest([MarketRow(*row) for row in rows])


def _contents(connection: duckdb.DuckDBPyConnection) -> list[ContentRow]:
    rows = connection.execute(
        """
        select
            eligibility.content_type, count(*), count(*) filter (where eligibility.eligible),
            coalesce(sum(eligibility.qualified_views) filter (where eligibility.eligible), 0),
            coalesce(sum(scores.points), 0), coalesce(sum(earnings.amount_minor), 0)
        from post_eligibility as eligibility
        left join post_scores as scores on eligibility.post_id = scores.post_id
        left join post_earnings as earnings on eligibility.post_id = earnings.post_id
        group by eligibility.content_type
        order by 6 desc, 2 desc, 1
        """
    ).fetchall()
    return _with_one_rest([ContentRow(*row) for row in rows])


Row = TypeVar("Row", MarketRow, ContentRow)


def _with_one_rest(rows: list[Row]) -> list[Row]:
    """The first MOST_ROWS rows, and one that names how many others there are and sums their figures."""
    kept, rest = rows[:MOST_ROWS], rows[MOST_ROWS:]
    if rest:
        figures: Iterable[Any] = map(sum, zip(*(astuple(row)[1:] for row in rest), strict=True))
        kept.append(type(rest[0])(f"{len(rest):,} others", *figures))
    return kept


# Eligible creators and what each earned, in the program currency.
_EARNED: Final = (
    "select earnings.creator_id, cast(earnings.program_amount_minor as hugeint) as amount"
    " from creator_earnings as earnings inner join creator_scores as scores"
    " on earnings.creator_id = scores.creator_id"
)


def _bins(connection: duckdb.DuckDBPyConnection) -> list[Bin]:
    nothing, least, greatest = connection.execute(
        "select count(*) filter (where amount = 0), min(amount) filter (where amount > 0),"
        f" max(amount) from ({_EARNED})"
    ).fetchall()[0]
    bins = [Bin(0, 0, nothing)] if nothing else []
    if least is None:
        return bins
    edges = bin_edges(least, greatest)
    limits = list(pairwise(edges))
    counts = ", ".join(
        f"count(*) filter (where amount >= {low} and amount < {high})" for low, high in limits
    )
    found = connection.execute(f"select {counts} from ({_EARNED})").fetchall()[0]
    return bins + [
        Bin(low, high, number) for (low, high), number in zip(limits, found, strict=True)
    ]


def _earnings_gini(connection: duckdb.DuckDBPyConnection) -> Fraction | None:
    count, total, ranked = connection.execute(
        "select count(*), coalesce(sum(amount), 0), coalesce(sum(amount * place), 0) from (select"
        f" amount, row_number() over (order by amount, creator_id) as place from ({_EARNED}))"
    ).fetchall()[0]
    return gini(count, total, ranked)


def _spreads(connection: duckdb.DuckDBPyConnection) -> list[Spread]:
    rows = connection.execute(
        """
        select
            payout_currency, count(*), min(payout_minor), quantile_disc(payout_minor, 0.5),
            quantile_disc(payout_minor, 0.9), max(payout_minor), sum(payout_minor),
            sum(cast(payout_minor as hugeint) * place)
        from (
            select
                payout_currency, payout_minor,
                row_number() over (
                    partition by payout_currency order by payout_minor, creator_id
                ) as place
            from payout_ledger where status = 'paid'
        )
        group by payout_currency
        order by payout_currency
        """
    ).fetchall()
    return [
        Spread(currency, count, least, median, high, greatest, total, gini(count, total, ranked))
        for currency, count, least, median, high, greatest, total, ranked in rows
    ]


def reason_rows(connection: duckdb.DuckDBPyConnection, table: str) -> list[ReasonRow]:
    """The reasons in a table of eligibility, the most frequent first."""
    rows = connection.execute(
        f"""
        select code, count(*), count(*) filter (where reasons = code) from (
            select reasons, unnest(string_split(reasons, '|')) as code from {table}
            where not eligible
        )
        group by code order by 2 desc, 1
        """
    ).fetchall()
    return [ReasonRow(*row) for row in rows]


def _settlement(connection: duckdb.DuckDBPyConnection) -> list[SettlementRow]:
    sums = ", ".join(
        f"sum({column})"
        for column in (
            "opening_balance_minor",
            "earnings_minor",
            "adjustments_minor",
            "returns_minor",
            "payable_minor",
            "withheld_minor",
            "payout_minor",
            "closing_balance_minor",
        )
    )
    rows = connection.execute(
        f"select payout_currency, status, status_reason, count(*), {sums} from payout_ledger"
        " group by payout_currency, status, status_reason order by payout_currency,"
        " list_position(['paid', 'carried', 'held', 'none'], status), status_reason nulls first"
    ).fetchall()
    return [SettlementRow(*row) for row in rows]


def adjustment_rows(connection: duckdb.DuckDBPyConnection) -> list[AdjustmentRow]:
    """The postings of the journal beside earnings, by kind, period and currency."""
    rows = connection.execute(
        "select kind, origin_period, currency, count(*), sum(greatest(amount, 0)), sum(least(amount, 0))"
        " from (select kind, origin_period, currency, creator_id, -sum(amount_minor) as amount from journal"
        " where kind in ('adjustment', 'manual', 'return') and account = 'payable:' || creator_id"
        " group by all) group by all order by all"
    ).fetchall()
    return [AdjustmentRow(*row) for row in rows]


def _top(connection: duckdb.DuckDBPyConnection) -> list[TopRow]:
    rows = connection.execute(
        "select creator_id, market, points, program_amount_minor from creator_earnings"
        f" where program_amount_minor > 0 order by 4 desc, 1 limit {SHOWN_TOP}"
    ).fetchall()
    return [TopRow(*row) for row in rows]


def _paid_in_all(connection: duckdb.DuckDBPyConnection, currency: str) -> int | None:
    """Each payout over the rate of its row, else of its currency; summed exactly, then rounded half-even."""
    rows = connection.execute(
        "select ledger.payout_currency, coalesce(ledger.fx_rate, rates.fx_rate) as rate,"
        " sum(ledger.payout_minor) from payout_ledger as ledger"
        " left join settlement_rates as rates using (payout_currency)"
        " where ledger.payout_minor <> 0 group by all"
    ).fetchall()
    if any(rate is None for _, rate, _ in rows):
        return None
    units = 10 ** minor_unit_decimals(currency)
    return round(
        sum(
            (
                Fraction(int(paid) * units, 10 ** minor_unit_decimals(paid_in)) / Fraction(rate)
                for paid_in, rate, paid in rows
            ),
            Fraction(0),
        )
    )


def unmatched_values(connection: duckdb.DuckDBPyConnection, program: Program) -> list[Unmatched]:
    """The values of a period that match nothing in its program, though they look meant to."""

    def counted(column: str, table: str) -> dict[str, int]:
        query = f"select {column}, count(*) from {table} where {column} is not null group by 1"
        return dict(connection.execute(query).fetchall())

    return unmatched(
        program,
        Values(
            markets=counted("market", "creator_eligibility"),
            content_types=counted("content_type", "post_eligibility"),
            residences=counted("tax_residence", "settlement_parties"),
            currencies=counted("payout_currency", "payout_ledger"),
        ),
    )


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> Any:
    return connection.execute(query).fetchall()[0][0]
