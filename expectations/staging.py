"""The gate after staging (§8): one row a key, a rate for everyone, and snapshots fresh enough."""

from __future__ import annotations

from expectations.suite import ROWS_IN_ALL, Expectation, Severity, unique
from orchestration.terms.counts import COUNTS

_FALLEN = "(" + " or ".join(f"last_{count} < greatest_{count}" for count in COUNTS) + ")"
_FALLS = ", ".join(
    f"case when last_{count} < greatest_{count} then"
    f" '{count} ' || cast(greatest_{count} as varchar) || ' to ' || cast(last_{count} as varchar) end"
    for count in COUNTS
)
_NAMES = f"{', '.join(COUNTS[:-1])} or {COUNTS[-1]}"

_SEEN_AT_THE_END = "last_observed_at >= window_end - interval 48 hour"

_FAR_OFF = "(rate_e10 > twice_median_e10 or rate_e10 * 4 < twice_median_e10)"
"""§8: "more than twice or less than half the median", which stands there twice over."""


def _rates(name: str, where: str, means: str, severity: Severity) -> Expectation:
    """Expects no such row among the rates that are taken, of pairs with enough rates before."""
    return Expectation(
        name,
        "int_fx_rates_taken",
        f"""
        select base_currency, quote_currency, rate_date, rate, median_before, rates_before
        from {{batch}}
        where rates_before >= 5 and {where}
        order by base_currency, quote_currency
        """,
        means,
        severity,
    )


def _of_a_period_of_the_program(name: str, table: str, columns: str) -> Expectation:
    return Expectation(
        name,
        table,
        f"""
        select {columns} from {{batch}}
        where period not in (select period from program_periods)
        order by 1
        """,
        "the period is none of the program's; deliver the row with the right one",
    )


SUITE = (
    unique("stg_creators", "creator_id"),
    unique("stg_payees", "creator_id"),
    unique("stg_deals", "deal_id"),
    unique("stg_posts", "post_id"),
    unique("stg_audience", "creator_id", "observed_on", "country"),
    unique("stg_policy_events", "event_id"),
    unique("stg_fx_rates", "rate_date", "base_currency", "quote_currency"),
    unique("stg_post_metrics", "post_id", "observed_at"),
    unique("stg_adjustments", "adjustment_id"),
    unique("stg_payment_returns", "return_id"),
    unique("int_windows", "creator_id"),
    unique("int_posts", "post_id"),
    unique("int_payout_currencies", "creator_id"),
    Expectation(
        "every_creator_with_a_deal_has_a_rate",
        "int_payout_currencies",
        """
        select creator_id, payout_currency from {batch}
        where payout_currency not in (select payout_currency from int_fx_rates)
        order by creator_id
        """,
        "no rate to the payout currency in the 8 days up to fx_on, direct or through EUR;"
        " deliver the rates",
    ),
    Expectation(
        "adjustments_are_approved_by_somebody_else",
        "stg_adjustments",
        """
        select adjustment_id, creator_id, period, currency, amount, requested_by, approved_by
        from {batch} where is_own_approval
        order by adjustment_id
        """,
        "an adjustment is approved by who requested it; somebody else has to approve it",
    ),
    _of_a_period_of_the_program(
        "adjustments_are_of_a_period_of_the_program",
        "stg_adjustments",
        "adjustment_id, creator_id, period, currency, amount",
    ),
    _of_a_period_of_the_program(
        "returns_are_of_a_period_of_the_program",
        "stg_payment_returns",
        "return_id, creator_id, period, currency, status",
    ),
    Expectation(
        "nobody_is_paid_in_a_withdrawn_currency",
        "int_payout_currencies",
        "select creator_id, payout_currency from {batch} where is_withdrawn order by creator_id",
        "the payout currency of a creator at pays_on is one that ISO 4217 has withdrawn;"
        " deliver a payees row with the currency that has replaced it, from pays_on or before",
    ),
    _rates(
        "rates_are_within_twice_and_half_of_those_before",
        f"not is_confirmed and {_FAR_OFF}",
        "an exchange rate is more than twice or less than half the median of its pair in the sixty"
        " days before; replace the row by one with the right rate, or, if the rate is right, confirm"
        " it: give the pair and the rate in fx_confirmed of the period in the program file",
        "error",
    ),
    _rates(
        "confirmed_rates_are_within_twice_and_half_of_those_before",
        f"is_confirmed and {_FAR_OFF}",
        "an exchange rate is more than twice or less than half the median of its pair in the sixty"
        " days before, and fx_confirmed of the period says that it is right",
        "warn",
    ),
    _rates(
        "rates_are_near_those_before",
        f"not {_FAR_OFF} and (rate_e10 * 5 > twice_median_e10 * 3 or rate_e10 * 5 < twice_median_e10 * 2)",
        "an exchange rate is over 20 % off the median of its pair in the sixty days before;"
        " compare it with another source",
        "warn",
    ),
    Expectation(
        "posts_in_play_were_seen_at_the_end",
        "int_posts_in_play",
        f"""
        select post_id, window_end, last_observed_at,
        (select count(*) from {{batch}}) as {ROWS_IN_ALL}
        from {{batch}}
        where (
            select
                count(*) filter (where {_SEEN_AT_THE_END}) * 100
                < count(*) * 99
            from {{batch}}
        )
        and not coalesce({_SEEN_AT_THE_END}, false)
        order by post_id
        """,
        "under 99 % of the posts in play have a snapshot in the last 48 hours of their window",
        "warn",
    ),
    Expectation(
        "few_posts_lose_counts",
        "int_posts_in_play",
        f"""
        select post_id, concat_ws(', ', {_FALLS}) as greatest_to_last,
        (select count(*) from {{batch}}) as {ROWS_IN_ALL}
        from {{batch}}
        where {_FALLEN}
        and (select count(*) filter (where {_FALLEN}) * 100 > count(*) from {{batch}})
        order by post_id
        """,
        f"over 1 % of the posts in play have last {_NAMES} below earlier ones",
        "warn",
    ),
)
