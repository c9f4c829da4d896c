-- §3 "The value of a count of a post at an instant b": one row a post of the period and boundary of
-- its creator's W; boundary 0 is the start of W, boundary k the end of segment k.
-- "the count in the last snapshot with observed_at <= b that reports it. Where there is none, it is
-- 0 for a post published at or after the start of W; for an older post it is the count in the
-- first snapshot that reports it, or 0." (first_… is null for all but an older post.)
{%- set counts = scored_counts() %}
with boundaries as (

    select
        segments.creator_id,
        segments.segment_no as boundary_no
    from {{ ref('int_segments') }} as segments
    union all
    select
        windows.creator_id,
        0 as boundary_no
    from {{ ref('int_windows') }} as windows
    where windows.window_start is not null

)

select
    posts.post_id,
    boundaries.boundary_no,
    {%- for count in counts %}
    coalesce(
        max_by(seen.last_{{ count }}, seen.interval_no)
            filter (
                where seen.interval_no <= boundaries.boundary_no
                and seen.last_{{ count }} is not null
            ),
        min_by(seen.first_{{ count }}, seen.interval_no)
            filter (where seen.first_{{ count }} is not null),
        0
    ) as {{ count }}{{ ',' if not loop.last }}
    {%- endfor %}
from {{ ref('int_period_posts') }} as posts
inner join boundaries
    on posts.creator_id = boundaries.creator_id
left join {{ ref('int_post_intervals') }} as seen
    on posts.post_id = seen.post_id
group by posts.post_id, boundaries.boundary_no
