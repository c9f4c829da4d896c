"""The figures of a published period, read from its version; exact, and not yet text.

Money is in minor units of its currency (the program's, where none is named), points are decimals.
Belongs here: what is counted and summed, over which table of §9. Does not: words, charts, HTML.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, TypeVar

from orchestration.foundations.cursors import scratch_database
from orchestration.publishing.store import Publication
from orchestration.publishing.tables import PUBLISHED_TABLES
from orchestration.records import CloseEntry, RunRecord, Totals
from orchestration.reports.beside import Beside, before_of, beside_others, program_of
from orchestration.reports.distribution import bin_edges, gini
from orchestration.terms.currencies import minor_unit_decimals, minor_units
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
    beside: Beside
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


def period_figures(
    published: Mapping[str, Publication], restated: Mapping[str, Publication], key: str
) -> PeriodFigures:
    """The figures of a published period; KeyError if it is not among `published`."""
    publication = published[key]
    program = program_of(publication)
    before = before_of(published, key)
    period = program.period(key)
    with scratch_database() as connection:
        for name, table in PUBLISHED_TABLES.items():
            connection.execute(f"create view {name} as {publication.relation(table)}")
        adjustments = adjustment_rows(connection)
        return PeriodFigures(
            program=program,
            period=period,
            revision=publication.revision,
            record=publication.record(),
            closed=publication.closed,
            restated=restated[key].record() if key in restated else None,
            before=before,
            beside=beside_others(connection, published, restated, key, origins_of(adjustments)),
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


def origins_of(rows: Iterable[AdjustmentRow]) -> set[str]:
    """The closed periods whose differences a period posts."""
    return {row.origin_period for row in rows if row.kind == "adjustment"}


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
