"""The gate after staging (§8): one row a key, a rate for everyone, and snapshots fresh enough."""

from __future__ import annotations

from expectations.suite import Expectation, no_rows, unique


def _count_does_not_fall(count: str) -> Expectation:
    return no_rows(
        f"few_posts_lose_{count}",
        "int_posts_in_play",
        f"""
        select post_id, greatest_{count} as {count}_before, last_{count} as {count}_last
        from {{batch}}
        where last_{count} < greatest_{count}
        and (
            select count(*) filter (where last_{count} < greatest_{count}) * 100 > count(*)
            from {{batch}}
        )
        order by post_id
        """,
        f"over 1 % of the posts in play have last {count} below an earlier one",
        "warn",
    )


def _of_a_period_of_the_program(name: str, table: str, columns: str) -> Expectation:
    return no_rows(
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
    no_rows(
        "every_creator_with_a_deal_has_a_rate",
        "int_windows",
        """
        with currencies as (
            select
                windows.creator_id,
                coalesce(
                    payees.payout_currency, own_market.currency, other_market.currency
                ) as payout_currency
            from {batch} as windows
            left join stg_payees as payees on windows.creator_id = payees.creator_id
            left join market_currencies as own_market
                on windows.market = own_market.market
            left join market_currencies as other_market
                on other_market.market = ''
        )
        select creator_id, payout_currency from currencies
        where payout_currency not in (select payout_currency from int_fx_rates)
        order by creator_id
        """,
        "no rate to the payout currency in the 8 days up to fx_on, direct or through EUR;"
        " deliver the rates",
    ),
    no_rows(
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
    no_rows(
        "posts_in_play_were_seen_at_the_end",
        "int_posts_in_play",
        """
        select post_id, window_end, last_observed_at from {batch}
        where (
            select
                count(*) filter (where last_observed_at >= window_end - interval 48 hour) * 100
                < count(*) * 99
            from {batch}
        )
        and coalesce(last_observed_at < window_end - interval 48 hour, true)
        order by post_id
        """,
        "under 99 % of the posts in play have a snapshot in the last 48 hours of their window",
        "warn",
    ),
    *(_count_does_not_fall(count) for count in ("views", "likes", "comments", "shares")),
)
