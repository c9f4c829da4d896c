"""The published tables of §9: names, keys, columns, types. The one list of them.

Types are DuckDB's names, as the contract gives them. From the computed tables alone a later run
settles this period anew "from the inputs of its own last run" (§7), and anybody recounts it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from orchestration.terms.counts import INCREMENTS

TEXT, COUNT, POINTS = "VARCHAR", "BIGINT", "DECIMAL(38,4)"
AUDIENCE_VALUE, FX_RATE = "DECIMAL(18,6)", "DECIMAL(38,10)"
INSTANT, DAY, FLAG = "TIMESTAMP", "DATE", "BOOLEAN"


@dataclass(frozen=True, slots=True)
class Minor:
    """The type of an amount: whole minor units of a currency, and what says which one."""

    of: str


PROGRAM_MINOR = Minor("the program currency")
PAYOUT_MINOR, ENTRY_MINOR = Minor("`payout_currency`"), Minor("`currency`")


@dataclass(frozen=True, slots=True)
class Table:
    """A published table: its key columns, and all columns with their types, key first.

    `minor_units` has the columns that are amounts in minor units, with what says their currency.
    `later` are the columns that files of earlier code lack, and what stands for them, as SQL. A table
    that `explains` was not published by earlier code, or not as the contract has it. Of a table that
    `may_be_missing` earlier code wrote no file: it had no such rows.
    """

    name: str
    key: tuple[str, ...]
    columns: Mapping[str, str]
    later: Mapping[str, str] = field(default_factory=dict)
    may_be_missing: bool = False
    explains: bool = False
    minor_units: Mapping[str, str] = field(default_factory=dict)

    def with_later(self, **values: str) -> Table:
        """The same table, of which earlier code did not write these columns."""
        assert values.keys() <= self.columns.keys()
        return replace(self, later=values)

    def that_explains(self) -> Table:
        """The same table, as one that earlier code did not publish."""
        return replace(self, explains=True)


def _table(name: str, key: tuple[str, ...], **columns: str | Minor) -> Table:
    """A table whose key columns are text, unless `columns` says otherwise."""
    types = {column: COUNT if isinstance(kind, Minor) else kind for column, kind in columns.items()}
    minor = {column: kind.of for column, kind in columns.items() if isinstance(kind, Minor)}
    return Table(name, key, dict.fromkeys(key, TEXT) | types, minor_units=minor)


_TABLES = (
    _table(
        "creator_eligibility",
        ("creator_id",),
        market=TEXT,
        deal_id=TEXT,
        window_start=INSTANT,
        window_end=INSTANT,
        eligible=FLAG,
        reasons=TEXT,
    ),
    _table(
        "post_eligibility",
        ("post_id",),
        creator_id=TEXT,
        content_type=TEXT,
        published_at=INSTANT,
        qualified_views=COUNT,
        eligible=FLAG,
        reasons=TEXT,
    ),
    _table(
        "post_scores",
        ("post_id",),
        creator_id=TEXT,
        content_type=TEXT,
        **dict.fromkeys(INCREMENTS, COUNT),
        points=POINTS,
    ),
    _table(
        "creator_segments",
        ("creator_id", "segment_no"),
        segment_no=COUNT,
        starts_at=INSTANT,
        ends_at=INSTANT,
        terms_version=COUNT,
        audience_value=AUDIENCE_VALUE,
    ).that_explains(),
    _table(
        "post_increments",
        ("post_id", "segment_no"),
        segment_no=COUNT,
        creator_id=TEXT,
        **dict.fromkeys(INCREMENTS, COUNT),
    ).that_explains(),
    _table(
        "creator_scores",
        ("creator_id",),
        market=TEXT,
        eligible_posts=COUNT,
        audience_value=AUDIENCE_VALUE,
        points=POINTS,
    ),
    _table(
        "market_totals",
        ("market",),
        eligible_creators=COUNT,
        points=POINTS,
        pool_minor=PROGRAM_MINOR,
        capped_creators=COUNT,
        capped_minor=PROGRAM_MINOR,
        shared_minor=PROGRAM_MINOR,
        shared_points=POINTS,
        rounded_minor=PROGRAM_MINOR,
    ).that_explains(),
    _table(
        "creator_earnings",
        ("creator_id",),
        market=TEXT,
        points=POINTS,
        milestones_minor=PROGRAM_MINOR,
        cap_minor=PROGRAM_MINOR,
        capped=FLAG,
        rounded_minor=PROGRAM_MINOR,
        rounding_unit=COUNT,
        program_amount_minor=PROGRAM_MINOR,
        budget_unit=COUNT,
        performance_minor=PROGRAM_MINOR,
        milestone_minor=PROGRAM_MINOR,
    )
    .that_explains()
    .with_later(
        milestones_minor="null", rounded_minor="null", rounding_unit="null", budget_unit="null"
    ),
    _table(
        "post_earnings",
        ("post_id",),
        creator_id=TEXT,
        amount_minor=PROGRAM_MINOR,
        rounding_unit=COUNT,
    ).with_later(rounding_unit="null"),
    _table(
        "settlement_parties",
        ("creator_id",),
        market=TEXT,
        payout_currency=TEXT,
        tax_residence=TEXT,
        tax_form=TEXT,
        status=TEXT,
    ).that_explains(),
    _table("settlement_rates", ("payout_currency",), fx_rate=FX_RATE).that_explains(),
    _table(
        "payout_ledger",
        ("creator_id", "payout_currency"),
        market=TEXT,
        status=TEXT,
        status_reason=TEXT,
        points=POINTS,
        performance_minor=PROGRAM_MINOR,
        milestone_minor=PROGRAM_MINOR,
        capped=FLAG,
        program_amount_minor=PROGRAM_MINOR,
        fx_rate=FX_RATE,
        earnings_minor=PAYOUT_MINOR,
        opening_balance_minor=PAYOUT_MINOR,
        adjustments_minor=PAYOUT_MINOR,
        returns_minor=PAYOUT_MINOR,
        payable_minor=PAYOUT_MINOR,
        withheld_minor=PAYOUT_MINOR,
        payout_minor=PAYOUT_MINOR,
        closing_balance_minor=PAYOUT_MINOR,
    ).with_later(returns_minor="0"),
    _table(
        "journal",
        ("entry_id",),
        txn_id=TEXT,
        kind=TEXT,
        origin_period=TEXT,
        adjustment_id=TEXT,
        posted_on=DAY,
        creator_id=TEXT,
        account=TEXT,
        currency=TEXT,
        amount_minor=ENTRY_MINOR,
    ).with_later(adjustment_id="null"),
)

CONTRACT_TABLES: Mapping[str, Table] = {table.name: table for table in _TABLES}

DECISION_TABLES: Mapping[str, Table] = {
    table.name: replace(table, may_be_missing=True)
    for table in (
        _table(
            "settlement_adjustments",
            ("adjustment_id", "updated_at"),
            creator_id=TEXT,
            period=TEXT,
            currency=TEXT,
            amount="DECIMAL(38,4)",
            reason=TEXT,
            requested_by=TEXT,
            approved_by=TEXT,
            updated_at=INSTANT,
        ),
        _table(
            "settlement_returns",
            ("return_id", "updated_at"),
            creator_id=TEXT,
            period=TEXT,
            currency=TEXT,
            status=TEXT,
            reason=TEXT,
            updated_at=INSTANT,
        ),
    )
}
"""Beside the contract: the rows of `adjustments` and `payment_returns` that the period's own run has
read, of this program.

All versions of them: which one is in force depends on the period that asks.
"""

PUBLISHED_TABLES: Mapping[str, Table] = {**CONTRACT_TABLES, **DECISION_TABLES}

SETTLED_TABLES: Mapping[str, Table] = {
    name: PUBLISHED_TABLES[name]
    for name in ("settlement_parties", "settlement_rates", "payout_ledger", "journal")
}
"""What may change when a period is settled anew."""

COMPUTED_TABLES: Mapping[str, Table] = {
    name: table for name, table in PUBLISHED_TABLES.items() if name not in SETTLED_TABLES
}
"""What stays as the period's own run made it."""

RESTATEMENT = _table(
    "restatement",
    ("creator_id", "payout_currency"),
    program_amount_minor=PROGRAM_MINOR,
    fx_rate=FX_RATE,
    posted_minor=PAYOUT_MINOR,
    computed_minor=PAYOUT_MINOR,
    difference_minor=PAYOUT_MINOR,
)
"""What a closed period would come to now against what was posted for it, when it was computed."""

RESTATED_TABLES: Mapping[str, Table] = {
    **{
        name: table
        for name, table in PUBLISHED_TABLES.items()
        if name not in ("payout_ledger", "journal")
    },
    RESTATEMENT.name: RESTATEMENT,
}
