-- §3 "The value of a count of a post at an instant b": one row a post and boundary of its creator's
-- W; boundary 0 is the start of W, boundary k the end of segment k.
{%- set counts = ['qualified_views', 'likes', 'comments', 'shares'] %}
with posts as (

    select
        post_id,
        creator_id,
        published_at >= window_start as is_published_in_or_after_window_start
    from {{ ref('int_posts') }}
    where window_start is not null

),

-- Every interval of every post, also those without a snapshot.
grid as (

    select
        posts.post_id,
        posts.is_published_in_or_after_window_start,
        intervals.interval_no,
        intervals.interval_no = max(intervals.interval_no) over (
            partition by posts.post_id
        ) as is_after_window,
        {%- for count in counts %}
        seen.first_{{ count }},
        seen.last_{{ count }}{{ ',' if not loop.last }}
        {%- endfor %}
    from posts
    inner join {{ ref('int_intervals') }} as intervals
        on posts.creator_id = intervals.creator_id
    left join {{ ref('int_post_intervals') }} as seen
        on
            posts.post_id = seen.post_id
            and intervals.interval_no = seen.interval_no

),

reported as (

    select
        post_id,
        is_published_in_or_after_window_start,
        interval_no,
        is_after_window,
        {%- for count in counts %}
        {{ last_reported('last_' ~ count, 'post_id', 'interval_no') }} as reported_{{ count }},
        {{ first_reported('first_' ~ count, 'post_id', 'interval_no') }}
            as first_{{ count }}{{ ',' if not loop.last }}
        {%- endfor %}
    from grid

)

-- "the count in the last snapshot with observed_at < b that reports it. Where there is none, it is
-- 0 for a post published at or after the start of W; for an older post it is the count in the
-- first snapshot that reports it, or 0."
select
    post_id,
    interval_no as boundary_no,
    {%- for count in counts %}
    coalesce(
        reported_{{ count }},
        case when not is_published_in_or_after_window_start then first_{{ count }} end,
        0
    ) as {{ count }}{{ ',' if not loop.last }}
    {%- endfor %}
from reported
where not is_after_window
