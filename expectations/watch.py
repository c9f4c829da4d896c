"""Warnings beside §8: figures that are right by the rules, yet unlikely.

All of them warn only: whether an unlikely figure is a fraud, a defect or a success is not for a gate
to say. Thresholds are wide, so that a warning is rare enough to be looked at.
"""

from __future__ import annotations

from expectations.suite import ROWS_IN_ALL, Expectation

STAGING = (
    Expectation(
        "posts_have_no_more_likes_than_views",
        "int_posts_in_play",
        f"""
        select post_id, last_likes, last_views,
        (select count(*) from {{batch}}) as {ROWS_IN_ALL}
        from {{batch}}
        where last_likes > last_views
        order by post_id
        """,
        "a post in play was last seen with more likes than views",
        "warn",
    ),
    Expectation(
        "old_posts_do_not_double_after_their_window",
        "int_posts_in_play",
        f"""
        select played.post_id, played.last_views as views_in_window, later.last_views as views_later,
        (select count(*) from {{batch}}) as {ROWS_IN_ALL}
        from {{batch}} as played
        inner join int_posts as posts on played.post_id = posts.post_id
        inner join int_post_intervals as later
            on played.post_id = later.post_id and not later.is_before_window_end
        where posts.published_at < played.window_end - interval 7 day
        and played.last_views >= 1000
        and later.last_views >= played.last_views * 2
        order by played.post_id
        """,
        "a post a week old or older has twice the views after its window that it had in it",
        "warn",
    ),
)

# Posts of the last days have had no time for views: that they have few says nothing.
ELIGIBILITY = (
    Expectation(
        "views_of_a_market_and_day_are_like_the_days_before",
        "post_eligibility",
        """
        with daily as (
            select
                windows.market,
                cast(posts.published_at as date) as published_on,
                sum(posts.qualified_views) as views,
                max(windows.window_end) as window_end
            from {batch} as posts
            inner join int_windows as windows on posts.creator_id = windows.creator_id
            where posts.published_at >= windows.window_start
            group by windows.market, cast(posts.published_at as date)
        ),
        compared as (
            select
                *,
                sum(views) over days_before as views_before,
                count(*) over days_before as days_before
            from daily
            window days_before as (
                partition by market order by published_on
                rows between 7 preceding and 1 preceding
            )
        )
        select market, published_on, views, views_before as views_of_7_days_before from compared
        where days_before = 7
        and (
            views * 7 > views_before * 10
            or (
                views * 70 < views_before
                and cast(published_on as timestamp) < window_end - interval 3 day
            )
        )
        order by market, published_on
        """,
        "the posts of a day have over 10x the views of an average of the 7 days before, or, more than"
        " 2 days before the window ends, under 0.1x",
        "warn",
    ),
)

LEDGER = (
    Expectation(
        "no_creator_takes_far_more_of_a_market_than_any_before",
        "market_shares",
        """
        select
            market, creator_id, amount_minor, market_minor,
            previous_amount_minor, previous_market_minor
        from {batch}
        where amount_minor * previous_market_minor > previous_amount_minor * market_minor * 2
        order by market
        """,
        "a creator has over twice the share of its market that any creator had in a period before",
        "warn",
    ),
)
