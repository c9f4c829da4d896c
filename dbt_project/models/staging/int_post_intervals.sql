-- The one pass over the snapshots: per post and interval the first, the last and the greatest count
-- that was reported, and when it was seen.
with snapshots as (

    select
        metrics.post_id,
        intervals.interval_no,
        metrics.qualified_views,
        metrics.views,
        metrics.likes,
        metrics.comments,
        metrics.shares,
        metrics.observed_at,
        metrics.observed_at >= posts.period_starts_at
        and metrics.observed_at < posts.period_ends_at as is_in_period
    from {{ ref('stg_post_metrics') }} as metrics
    inner join {{ ref('int_posts') }} as posts
        on metrics.post_id = posts.post_id
    inner join {{ ref('int_intervals') }} as intervals
        on
            posts.creator_id = intervals.creator_id
            and metrics.observed_at >= intervals.starts_at
            and metrics.observed_at < intervals.ends_at

)

select
    post_id,
    interval_no,
    {%- for count in ['qualified_views', 'views', 'likes', 'comments', 'shares'] %}
    min_by({{ count }}, observed_at) filter (where {{ count }} is not null) as first_{{ count }},
    max_by({{ count }}, observed_at) filter (where {{ count }} is not null) as last_{{ count }},
    max({{ count }}) as greatest_{{ count }},
    {%- endfor %}
    max(observed_at) as last_observed_at,
    bool_or(is_in_period) as has_snapshot_in_period
from snapshots
group by post_id, interval_no
