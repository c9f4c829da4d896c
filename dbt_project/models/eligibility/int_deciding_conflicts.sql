-- §2 and §8: snapshots that come twice with one delivered_at and different values, where such a
-- snapshot decides a value of §3: it is the last one before a boundary of W, or the first of all,
-- to report a count. Deliveries that a later one replaced decide nothing.
{%- set counts = ['views', 'likes', 'comments', 'shares'] %}
with last_delivered as (

    select metrics.*
    from {{ source('raw', 'raw_post_metrics') }} as metrics
    inner join {{ ref('int_posts') }} as posts
        on metrics.post_id = posts.post_id
    where posts.window_start is not null
    qualify metrics.delivered_at = max(metrics.delivered_at) over (
        partition by metrics.post_id, metrics.observed_at
    )

),

conflicts as (

    select
        post_id,
        observed_at,
        delivered_at,
        {%- for count in counts %}
        max({{ count }}) is not null as reports_{{ count }},
        {%- endfor %}
        min(views) as least_views,
        max(views) as greatest_views
    from (
        select distinct
            post_id,
            observed_at,
            delivered_at,
            views,
            ineligible_views,
            likes,
            comments,
            shares
        from last_delivered
    )
    group by post_id, observed_at, delivered_at
    having count(*) > 1

),

boundaries as (

    select
        posts.post_id,
        intervals.ends_at as boundary_at
    from conflicts
    inner join {{ ref('int_posts') }} as posts
        on conflicts.post_id = posts.post_id
    inner join {{ ref('int_intervals') }} as intervals
        on posts.creator_id = intervals.creator_id
    where intervals.ends_at < {{ end_of_time() }}

),

deciding as (

    {%- for count in counts %}
    select
        conflicts.post_id,
        conflicts.observed_at,
        conflicts.delivered_at,
        conflicts.least_views,
        conflicts.greatest_views
    from conflicts
    inner join boundaries
        on
            conflicts.post_id = boundaries.post_id
            and conflicts.observed_at < boundaries.boundary_at
    left join last_delivered as later
        on
            conflicts.post_id = later.post_id
            and conflicts.observed_at < later.observed_at
            and boundaries.boundary_at > later.observed_at
            and later.{{ count }} is not null
    where conflicts.reports_{{ count }} and later.post_id is null

    union all

    -- The first one to report decides what an older post had before anyone looked.
    select
        conflicts.post_id,
        conflicts.observed_at,
        conflicts.delivered_at,
        conflicts.least_views,
        conflicts.greatest_views
    from conflicts
    inner join {{ ref('int_posts') }} as posts
        on
            conflicts.post_id = posts.post_id
            and posts.published_at < posts.window_start
            and conflicts.observed_at >= posts.window_start
    left join last_delivered as earlier
        on
            conflicts.post_id = earlier.post_id
            and conflicts.observed_at > earlier.observed_at
            and earlier.{{ count }} is not null
    where conflicts.reports_{{ count }} and earlier.post_id is null
    {{ 'union all' if not loop.last }}
    {%- endfor %}

)

select distinct
    post_id,
    observed_at,
    delivered_at,
    least_views,
    greatest_views
from deciding
