"""Settling a period in a database that holds its earnings (§7): ledger, journal, and its figures.

The rules are in `ledger/`; here is how their rows come out of tables and go into tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from expectations.suite import digits
from orchestration.foundations.cursors import scratch_database
from orchestration.ledger.journal import JournalEntry, journal_entries
from orchestration.ledger.money import Account
from orchestration.ledger.settlement import Earned, LedgerRow, Party, settle
from orchestration.pipeline.deciding import History, decide_period
from orchestration.pipeline.rows import field_names, write_rows
from orchestration.publishing.store import Publication
from orchestration.records import Totals
from orchestration.terms.currencies import minor_unit_decimals
from orchestration.terms.exact import scaled
from orchestration.terms.model import Program

if TYPE_CHECKING:
    import duckdb

_NO_COLUMNS = ("adjustments_by_origin", "manual", "returns")
LEDGER_COLUMNS = tuple(name for name in field_names(LedgerRow) if name not in _NO_COLUMNS)
JOURNAL_COLUMNS = tuple(field_names(JournalEntry))

MARKET_SHARES = """
create or replace table market_shares as
with ranked as (
    select
        market,
        creator_id,
        cast(program_amount_minor as hugeint) as amount_minor,
        sum(program_amount_minor) over (partition by market) as market_minor
    from creator_earnings
    where program_amount_minor > 0
    qualify row_number() over (
        partition by market order by program_amount_minor desc, creator_id
    ) = 1
)
select
    coalesce(ranked.market, previous.market) as market,
    ranked.creator_id,
    coalesce(ranked.amount_minor, 0) as amount_minor,
    coalesce(ranked.market_minor, 1) as market_minor,
    previous.amount_minor as previous_amount_minor,
    previous.market_minor as previous_market_minor
from ranked
full outer join previous_shares as previous on ranked.market = previous.market
"""

LEDGER_TOTALS = """
create or replace table ledger_totals as
with now as (
    select 'earned' as total, previous.currency, ledger_period.total_minor
    from ledger_period
    inner join previous_totals as previous on previous.total = 'earned'
    union all
    select 'paid out' as total, payout_currency as currency, sum(payout_minor) as total_minor
    from payout_ledger
    group by payout_currency
)
select
    coalesce(now.total, previous.total) as total,
    coalesce(now.currency, previous.currency) as currency,
    coalesce(now.total_minor, 0) as total_minor,
    coalesce(previous.previous_minor, 0) as previous_minor
from now
full outer join previous_totals as previous
    on now.total = previous.total and now.currency = previous.currency
"""


# §9: a ledger row "for each creator of creator_eligibility"; "amounts are 0 in rows that earn nothing".
EARNED = f"""
select
    decided.creator_id,
    decided.market,
    coalesce({digits("earned.points")}, '0'),
    coalesce(earned.performance_minor, 0),
    coalesce(earned.milestone_minor, 0),
    coalesce(earned.capped, false)
from creator_eligibility as decided
left join creator_earnings as earned on decided.creator_id = earned.creator_id
"""


@dataclass(frozen=True, slots=True)
class SettlementInputs:
    """The input of a settlement, as a run found it: earnings, parties, rates x 10^10 by currency."""

    earned: list[Earned]
    parties: dict[str, Party]
    rates_e10: dict[str, int]


def settlement_inputs(connection: duckdb.DuckDBPyConnection) -> SettlementInputs:
    """Reads what creators with a deal earned, settlement_parties and settlement_rates."""
    return SettlementInputs(
        [
            Earned(creator, market, int(points_e4), performance, milestone, capped)
            for creator, market, points_e4, performance, milestone, capped in connection.execute(
                EARNED
            ).fetchall()
        ],
        {
            creator: Party(*party)
            for creator, *party in connection.execute(
                "select creator_id, market, payout_currency, tax_residence, tax_form, status"
                " from settlement_parties"
            ).fetchall()
        },
        {
            currency: scaled(rate, 10)
            for currency, rate in connection.execute(
                "select payout_currency, fx_rate from settlement_rates"
            ).fetchall()
        },
    )


def settle_period(
    connection: duckdb.DuckDBPyConnection,
    program: Program,
    period_key: str,
    history: History,
    adjustments: Mapping[Account, Mapping[str, int]],
) -> None:
    """Makes payout_ledger, journal, ledger_period and decision_notes in a database of earnings.

    `adjustments` are what restatements leave for this period to post.
    """
    period, before = program.period(period_key), history.before
    inputs = settlement_inputs(connection)
    rows = settle(
        program,
        period,
        inputs.earned,
        inputs.parties,
        inputs.rates_e10,
        _closing_balances(before),
        adjustments,
        decide_period(connection, period, history),
    )
    entries = journal_entries(program.program, period_key, period.pays_on, rows)
    write_rows(connection, "payout_ledger", rows, LEDGER_COLUMNS)
    write_rows(connection, "journal", entries, JOURNAL_COLUMNS)
    _complete_parties(connection, program)
    write_ledger_period(connection, program, period_key)
    _write_ledger_totals(connection, program, before)
    _write_market_shares(connection, before)


def _complete_parties(connection: duckdb.DuckDBPyConnection, program: Program) -> None:
    """§9: settlement_parties "has at least the creators of the ledger": also one with an open balance alone.

    Of such a one nothing is known, so it is paid in the program's currency, whose rate is 1.
    """
    connection.execute(
        "insert into settlement_parties by name"
        " select distinct creator_id, $1 as payout_currency, 'incomplete' as status"
        " from payout_ledger where creator_id not in (select creator_id from settlement_parties)",
        [program.currency],
    )
    connection.execute(
        "insert into settlement_rates select distinct payout_currency, 1 from settlement_parties"
        " where payout_currency = $1"
        " and payout_currency not in (select payout_currency from settlement_rates)",
        [program.currency],
    )


def _closing_balances(before: Publication | None) -> dict[Account, int]:
    """§7: opening balances are the closing ones "of the latest earlier period that is published"."""
    if before is None:
        return {}
    with scratch_database() as connection:
        rows = connection.execute(
            "select creator_id, payout_currency, closing_balance_minor from read_parquet($1)"
            " where closing_balance_minor <> 0",
            [before.pattern("payout_ledger")],
        ).fetchall()
    return {(creator, currency): balance for creator, currency, balance in rows}


def write_ledger_period(
    connection: duckdb.DuckDBPyConnection, program: Program, period_key: str
) -> None:
    """One row with the period's sum and its budget, minor units of the program currency."""
    budget = program.period(period_key).budget
    connection.execute(
        "create or replace table ledger_period as select cast($1 as varchar) as period,"
        " coalesce(sum(program_amount_minor), 0) as total_minor,"
        " cast($2 as hugeint) as budget_minor from creator_earnings",
        [
            period_key,
            None if budget is None else scaled(budget, minor_unit_decimals(program.currency)),
        ],
    )


def _write_ledger_totals(
    connection: duckdb.DuckDBPyConnection, program: Program, before: Publication | None
) -> None:
    """Writes the sum earned in the program currency and paid out in each currency, beside the period before.

    Minor units; previous_minor is 0 where the period before has nothing in the currency, or there
    is none.
    """
    totals = before.record().totals if before is not None else Totals()
    connection.execute(
        "create or replace table previous_totals"
        " (total varchar, currency varchar, previous_minor hugeint)"
    )
    connection.execute(
        "insert into previous_totals values ('earned', $1, $2)",
        [program.currency, totals.program_amount_minor],
    )
    for currency, sums in totals.currencies.items():
        connection.execute(
            "insert into previous_totals values ('paid out', $1, $2)",
            [currency, sums.get("payout_minor", 0)],
        )
    connection.execute(LEDGER_TOTALS)


def _write_market_shares(connection: duckdb.DuckDBPyConnection, before: Publication | None) -> None:
    """Per market the creator with the greatest amount, beside the greatest share of a period before.

    Amounts in minor units of the program currency; null where no period before paid in the market.
    """
    previous = before.record().totals.greatest_shares if before is not None else {}
    connection.execute(
        "create or replace table previous_shares"
        " (market varchar, amount_minor hugeint, market_minor hugeint)"
    )
    for market, (amount, of_market) in previous.items():
        connection.execute(
            "insert into previous_shares values ($1, $2, $3)", [market, amount, of_market]
        )
    connection.execute(MARKET_SHARES)


def _greatest_shares(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[int, int]]:
    """By market (amount, market's amount) of the greatest share so far, this period included."""
    rows = connection.execute(
        "select market, amount_minor, market_minor, previous_amount_minor, previous_market_minor"
        " from market_shares order by market"
    ).fetchall()
    return {
        market: (amount, whole)
        if before is None or amount * before_whole > before * whole
        else (before, before_whole)
        for market, amount, whole, before, before_whole in rows
    }


def period_totals(connection: duckdb.DuckDBPyConnection) -> Totals:
    """The figures of a period for an operator: counts, and money by currency and status."""
    counts = connection.execute(
        "select (select count(*) from creator_eligibility),"
        " (select count(*) from creator_eligibility where eligible),"
        " (select count(*) from post_eligibility),"
        " (select count(*) from post_eligibility where eligible),"
        " (select coalesce(sum(program_amount_minor), 0) from creator_earnings)"
    ).fetchone()
    assert counts is not None
    currencies = connection.execute(
        "select payout_currency, count(*) filter (where status = 'paid'),"
        " sum(earnings_minor), sum(withheld_minor), sum(payout_minor),"
        " coalesce(sum(closing_balance_minor) filter (where status = 'carried'), 0),"
        " coalesce(sum(closing_balance_minor) filter (where status = 'held'), 0)"
        " from payout_ledger group by payout_currency order by payout_currency"
    ).fetchall()
    statuses = connection.execute(
        "select status, count(*) from payout_ledger group by status order by status"
    ).fetchall()
    names = (
        "paid_rows",
        "earnings_minor",
        "withheld_minor",
        "payout_minor",
        "carried_minor",
        "held_minor",
    )
    return Totals(
        greatest_shares=_greatest_shares(connection),
        creators=counts[0],
        eligible_creators=counts[1],
        posts=counts[2],
        eligible_posts=counts[3],
        program_amount_minor=int(counts[4]),
        currencies={
            currency: dict(zip(names, map(int, values), strict=True))
            for currency, *values in currencies
        },
        statuses=dict(statuses),
    )
