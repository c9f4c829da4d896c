"""The ledger stage's first half: from scores to earnings in the program currency (§6), in the work file.

Creators go through the pure rules of `ledger/earnings.py`; their posts, of which there are many more,
are split in SQL by the same rule as `ledger/apportion.py`.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from orchestration.ledger.earnings import (
    CreatorEarnings,
    CreatorScore,
    MarketTotal,
    PeriodEarnings,
    period_earnings,
)
from orchestration.ledger.money import AmountTooLarge
from orchestration.pipeline.period_run import PeriodRun
from orchestration.pipeline.rows import field_names, write_rows
from orchestration.pipeline.work_file import WorkFile
from orchestration.terms.currencies import minor_unit_decimals
from orchestration.terms.load import LoadedProgram
from orchestration.terms.model import Program

if TYPE_CHECKING:
    import duckdb

# §6 step 6 "the performance part over the eligible posts in proportion to points ... by largest
# remainder ... ties go to the least id". HUGEINT: what does not fit raises.
POST_EARNINGS = """
create or replace table post_earnings as
with weighed as (
    select
        posts.post_id,
        posts.creator_id,
        posts.points_e4,
        cast(earnings.performance_minor as hugeint) as performance_minor,
        cast(sum(posts.points_e4) over (partition by posts.creator_id) as hugeint) as whole_e4
    from int_post_points as posts
    inner join creator_earnings as earnings on posts.creator_id = earnings.creator_id
),
floored as (
    select
        post_id,
        creator_id,
        performance_minor,
        whole_e4,
        case when whole_e4 = 0 then 0 else performance_minor * points_e4 // whole_e4 end as share,
        case when whole_e4 = 0 then 0 else performance_minor * points_e4 % whole_e4 end as remainder
    from weighed
),
ranked as (
    select
        *,
        case
            when whole_e4 = 0 then 0
            else performance_minor - sum(share) over (partition by creator_id)
        end as units_left,
        row_number() over (partition by creator_id order by remainder desc, post_id) as place
    from floored
)
select
    post_id,
    creator_id,
    cast(share + unit as bigint) as amount_minor,
    cast(unit as bigint) as rounding_unit
from (select *, case when place <= units_left then 1 else 0 end as unit from ranked)
"""

# What settlement needs of every creator, also one that has only an open balance: its market in
# force at closes_on, its payees row in force at pays_on. §7 "No payees row: the market's currency ...
# else the program's, status incomplete"; the market '' of market_currencies is an unknown one.
SETTLEMENT_PARTIES = """
create or replace table settlement_parties as
with known as (
    select creator_id from stg_creators
    union
    select creator_id from stg_payees
    union
    select creator_id from creator_eligibility
)
select
    known.creator_id,
    creators.market,
    coalesce(payees.payout_currency, currencies.currency, period.currency) as payout_currency,
    payees.tax_residence,
    payees.tax_form,
    coalesce(payees.status, 'incomplete') as status
from known
cross join period
left join stg_creators as creators on known.creator_id = creators.creator_id
left join stg_payees as payees on known.creator_id = payees.creator_id
left join market_currencies as currencies on creators.market = currencies.market
"""

# §9: "one row for each payout_currency in it that has a rate".
SETTLEMENT_RATES = """
create or replace table settlement_rates as
select payout_currency, cast(rate_e10 as decimal(28, 0)) * cast(0.0000000001 as decimal(10, 10))
    as fx_rate
from int_fx_rates
where payout_currency in (select payout_currency from settlement_parties)
"""

EARNED_TABLES = (
    "market_totals",
    "creator_earnings",
    "post_earnings",
    "settlement_parties",
    "settlement_rates",
    "settlement_adjustments",
    "settlement_returns",
)

# §7: later periods go by "the rows ... that the runs whose rows are published of the periods before
# it have read", so the rows are published as they were read: all versions of those of this program.
SETTLEMENT_ADJUSTMENTS = """
create or replace table settlement_adjustments as
select distinct
    adjustment_id, creator_id, period, currency, amount, reason, requested_by, approved_by, updated_at
from raw_adjustments
where program = (select program from period)
"""

SETTLEMENT_RETURNS = """
create or replace table settlement_returns as
select distinct return_id, creator_id, period, currency, status, reason, updated_at
from raw_payment_returns
where program = (select program from period)
"""


def earn(run: PeriodRun) -> dict[str, int]:
    """Computes the earnings of creators and posts in the program currency (§6); gives rows by table.

    Refused if a gate before it has not held.
    """
    run.state.begin_stage("ledger")
    run.tell("ledger", "earnings")
    return write_earnings(run.work, run.recorded_program(), run.period)


def write_earnings(work: WorkFile, loaded: LoadedProgram, period_key: str) -> dict[str, int]:
    """Makes the tables of EARNED_TABLES; rows by table.

    AmountTooLarge where a value does not fit on the way (§1).
    """
    import duckdb

    with work.connect() as connection:
        earnings = _period_earnings(connection, loaded.program, period_key)
        write_rows(connection, "market_totals", earnings.markets, field_names(MarketTotal))
        write_rows(connection, "creator_earnings", earnings.creators, field_names(CreatorEarnings))
        try:
            connection.execute(POST_EARNINGS)
        except duckdb.OutOfRangeException as error:
            raise AmountTooLarge(
                "a performance part times a post's points does not fit 128 bits; "
                "nothing was published"
            ) from error
        connection.execute(SETTLEMENT_PARTIES)
        connection.execute(SETTLEMENT_RATES)
        connection.execute(SETTLEMENT_ADJUSTMENTS)
        connection.execute(SETTLEMENT_RETURNS)
        return {table: _count(connection, table) for table in EARNED_TABLES}


def _period_earnings(
    connection: duckdb.DuckDBPyConnection, program: Program, period_key: str
) -> PeriodEarnings:
    period = program.period(period_key)
    return period_earnings(
        _scores(connection),
        program.version_in_force(program.last_day(period)).payout,
        period.budget,
        minor_unit_decimals(program.currency),
        list(program.markets),
    )


def _scores(connection: duckdb.DuckDBPyConnection) -> list[CreatorScore]:
    posts: dict[str, dict[str, int]] = defaultdict(dict)
    for creator_id, content_type, count in connection.execute(
        "select creator_id, content_type, count(*) from int_post_points group by all"
    ).fetchall():
        posts[creator_id][content_type] = count
    return [
        CreatorScore(creator_id, market, int(points_e4), posts.get(creator_id, {}), deal_cap)
        for creator_id, market, points_e4, deal_cap in connection.execute(
            """
            select
                creators.creator_id,
                creators.market,
                coalesce(cast(summed.points_e4 as varchar), '0') as points_e4,
                windows.deal_cap
            from creator_scores as creators
            inner join int_windows as windows on creators.creator_id = windows.creator_id
            left join (
                select creator_id, sum(points_e4) as points_e4 from int_post_points group by creator_id
            ) as summed on creators.creator_id = summed.creator_id
            order by creators.creator_id
            """
        ).fetchall()
    ]


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    row = connection.execute(f'select count(*) from "{table}"').fetchone()
    return int(row[0]) if row else 0
