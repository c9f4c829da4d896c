"""The gate after scoring (§8)."""

from __future__ import annotations

from expectations.suite import Expectation, digits, unique
from orchestration.terms.counts import ALL_COUNTS, INCREMENTS


def _points_from_zero(table: str, key: str) -> Expectation:
    return Expectation(
        f"{table}_points_are_not_negative",
        table,
        f"select {key}, points from {{batch}} where points < 0 or points is null order by {key}",
        "points below 0",
    )


_POINTS_E4 = f"cast({digits('scores.points')} as hugeint)"
_VALUE_E6 = f"cast({digits('segments.audience_value')} as hugeint)"

_SUMS = ", ".join(f"sum({count}) as {count}" for count in INCREMENTS)
_OTHER_SUMS = " or ".join(f"scores.{count} is distinct from summed.{count}" for count in INCREMENTS)
_WEIGHED = " + ".join(
    f"cast(increments.{count.scored} as hugeint) * coalesce(weights.{count.name}_e4, 0)"
    for count in ALL_COUNTS
)

EXPLAINED = (
    Expectation(
        "segments_cut_the_window",
        "creator_segments",
        """
        with cut as (
            select
                creator_id, segment_no, starts_at, ends_at,
                row_number() over (partition by creator_id order by segment_no) as place,
                lag(ends_at) over (partition by creator_id order by segment_no) as ended_at,
                count(*) over (partition by creator_id) as segments
            from {batch}
        )
        select
            coalesce(windows.creator_id, cut.creator_id) as creator_id,
            cut.segment_no, cut.starts_at, cut.ends_at, windows.window_start, windows.window_end
        from (
            select creator_id, window_start, window_end from creator_eligibility
            where window_start is not null
        ) as windows
        full outer join cut on windows.creator_id = cut.creator_id
        where windows.creator_id is null
        or cut.creator_id is null
        or cut.segment_no <> cut.place
        or cut.starts_at <> coalesce(cut.ended_at, windows.window_start)
        or cut.starts_at >= cut.ends_at
        or (cut.place = cut.segments and cut.ends_at <> windows.window_end)
        order by 1, 2
        """,
        "the segments of a creator are not its window, cut into pieces that are numbered from 1",
    ),
    Expectation(
        "creators_have_the_audience_value_of_their_last_segment",
        "creator_scores",
        """
        select
            scores.creator_id, scores.audience_value,
            segments.audience_value as value_of_the_last_segment
        from {batch} as scores
        left join (
            select creator_id, max_by(audience_value, segment_no) as audience_value
            from creator_segments group by creator_id
        ) as segments on scores.creator_id = segments.creator_id
        where scores.audience_value is distinct from segments.audience_value
        order by 1
        """,
        "a creator's audience value is not that of the last segment of its window",
    ),
    Expectation(
        "increments_sum_to_the_counts",
        "post_increments",
        f"""
        with summed as (
            select
                post_id, min(creator_id) as creator_id, max(creator_id) as other_creator_id,
                count(*) as segments, {_SUMS}
            from {{batch}} group by post_id
        )
        select coalesce(scores.post_id, summed.post_id) as post_id, cut.segments
        from post_scores as scores
        full outer join summed on scores.post_id = summed.post_id
        left join (
            select creator_id, count(*) as segments from creator_segments group by creator_id
        ) as cut on scores.creator_id = cut.creator_id
        where scores.post_id is null
        or scores.creator_id is distinct from summed.creator_id
        or scores.creator_id is distinct from summed.other_creator_id
        or summed.segments is distinct from cut.segments
        or {_OTHER_SUMS}
        order by 1
        """,
        "a post's counts are not the sum of its increments, one a segment of its creator's window",
    ),
    Expectation(
        "points_follow_from_the_increments",
        "post_scores",
        # Half-even without rounding: off by less than half a unit of the 4th decimal, or by just
        # half and even.
        f"""
        with weighed as (
            select
                increments.post_id,
                greatest(
                    sum(
                        {_VALUE_E6} * (
                            {_WEIGHED}
                        )
                    ),
                    0
                ) as exact_e10
            from post_increments as increments
            inner join {{batch}} as posts on increments.post_id = posts.post_id
            inner join creator_segments as segments
                on increments.creator_id = segments.creator_id
                and increments.segment_no = segments.segment_no
            inner join terms_versions as versions on segments.terms_version = versions.version
            left join terms_weights as weights
                on versions.version_no = weights.version_no
                and posts.content_type = weights.content_type
            group by increments.post_id
        ),
        compared as (
            select
                scores.post_id, scores.creator_id, scores.points, weighed.exact_e10,
                {_POINTS_E4} as points_e4,
                abs({_POINTS_E4} * 1000000 - coalesce(weighed.exact_e10, 0)) * 2 as twice_off_e10
            from {{batch}} as scores
            left join weighed on scores.post_id = weighed.post_id
        )
        select post_id, creator_id, points, exact_e10 from compared
        where exact_e10 is null
        or twice_off_e10 > 1000000
        or (twice_off_e10 = 1000000 and points_e4 % 2 <> 0)
        order by post_id
        """,
        "a post's points are not audience value x weights x increments, rounded half-even",
    ),
)
"""What the tables that explain say of the tables that they explain (§9): asked of published ones too."""

SUITE = (
    *EXPLAINED,
    unique("creator_segments", "creator_id", "segment_no"),
    unique("post_increments", "post_id", "segment_no"),
    unique("post_scores", "post_id"),
    unique("creator_scores", "creator_id"),
    _points_from_zero("post_scores", "post_id"),
    _points_from_zero("creator_scores", "creator_id"),
    Expectation(
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
    Expectation(
        "every_eligible_post_is_scored",
        "post_scores",
        """
        select post_id from post_eligibility
        where eligible and post_id not in (select post_id from {batch})
        order by post_id
        """,
        "an eligible post has no score",
    ),
    Expectation(
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
