"""The gate after scoring (§8)."""

from __future__ import annotations

from expectations.suite import Expectation, no_rows, unique


def _points_from_zero(table: str, key: str) -> Expectation:
    return no_rows(
        f"{table}_points_are_not_negative",
        table,
        f"select {key}, points from {{batch}} where points < 0 or points is null order by {key}",
        "points below 0",
    )


SUITE = (
    unique("post_scores", "post_id"),
    unique("creator_scores", "creator_id"),
    _points_from_zero("post_scores", "post_id"),
    _points_from_zero("creator_scores", "creator_id"),
    no_rows(
        "posts_points_sum_to_their_creators",
        "creator_scores",
        """
        with summed as (
            select creator_id, sum(points) as points, count(*) as posts from post_scores
            group by creator_id
        )
        select
            coalesce(creators.creator_id, summed.creator_id) as creator_id,
            creators.points, summed.points as sum_of_posts
        from {batch} as creators
        full outer join summed on creators.creator_id = summed.creator_id
        where creators.creator_id is null
        or creators.points is distinct from coalesce(summed.points, 0)
        or creators.eligible_posts is distinct from coalesce(summed.posts, 0)
        order by 1
        """,
        "a creator's points are not the sum of its posts' points",
    ),
    no_rows(
        "every_eligible_post_is_scored",
        "post_scores",
        """
        select post_id from post_eligibility
        where eligible and post_id not in (select post_id from {batch})
        order by post_id
        """,
        "an eligible post has no score",
    ),
    no_rows(
        "audience_value_lies_between_floor_and_ceiling",
        "int_audience_value",
        """
        select creator_id, segment_no, audience_value_e6, floor_e6, ceiling_e6 from {batch}
        where audience_value_e6 < floor_e6 or audience_value_e6 > ceiling_e6
        or audience_value_e6 is null
        order by creator_id, segment_no
        """,
        "an audience value lies outside [floor, ceiling]",
    ),
)
