"""The gate after staging (§8): one row a key, a rate for everyone, and snapshots fresh enough."""

from __future__ import annotations

from expectations.suite import Expectation, no_rows, unique

# "of the posts in play (in post_eligibility, published before the end of W)": what they were last
# seen with before the end of W, and the most that was seen before it.
_POSTS_IN_PLAY = """
    with seen as (
        select
            posts.post_id, posts.window_end,
            bool_or(intervals.has_snapshot_in_period) as has_snapshot_in_period,
            max(intervals.last_observed_at)
                filter (where intervals.starts_before_end) as last_observed_at,
            {measures}
            any_value(posts.published_at) as published_at,
            any_value(posts.period_starts_at) as period_starts_at,
            any_value(posts.period_ends_at) as period_ends_at
        from int_posts as posts
        left join (
            select
                seen.*, limits.starts_at < windows.window_end as starts_before_end
            from int_post_intervals as seen
            inner join int_posts as windows on seen.post_id = windows.post_id
            inner join int_intervals as limits
                on windows.creator_id = limits.creator_id
                and seen.interval_no = limits.interval_no
        ) as intervals on posts.post_id = intervals.post_id
        where posts.window_end is not null and posts.published_at < posts.window_end
        group by posts.post_id, posts.window_end
    ),
    in_play as (
        select * from seen
        where has_snapshot_in_period
        or (published_at >= period_starts_at and published_at < period_ends_at)
    )
"""


def _count_does_not_fall(count: str) -> Expectation:
    measures = (
        f"max_by(intervals.last_{count}, intervals.interval_no) filter"
        f" (where intervals.starts_before_end and intervals.last_{count} is not null) as last_count,"
        f" max(intervals.greatest_{count}) filter (where intervals.starts_before_end)"
        " as greatest_count,"
    )
    return no_rows(
        f"few_posts_lose_{count}",
        "int_post_intervals",
        _POSTS_IN_PLAY.replace("{measures}", measures)
        + f"""
        select post_id, greatest_count as {count}_before, last_count as {count}_last from in_play
        where last_count < greatest_count
        and (select count(*) filter (where last_count < greatest_count) * 100 > count(*) from in_play)
        and (select count(*) >= 0 from {{batch}})
        order by post_id
        """,
        f"over 1 % of the posts in play have last {count} below an earlier one",
        "warn",
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
        "posts_in_play_were_seen_at_the_end",
        "int_post_intervals",
        _POSTS_IN_PLAY.replace("{measures}", "")
        + """
        select post_id, window_end, last_observed_at from in_play
        where (
            select
                count(*) filter (where last_observed_at >= window_end - interval 48 hour) * 100
                < count(*) * 99
            from in_play
        )
        and coalesce(last_observed_at < window_end - interval 48 hour, true)
        and (select count(*) >= 0 from {batch})
        order by post_id
        """,
        "under 99 % of the posts in play have a snapshot in the last 48 hours of their window",
        "warn",
    ),
    *(_count_does_not_fall(count) for count in ("views", "likes", "comments", "shares")),
)
