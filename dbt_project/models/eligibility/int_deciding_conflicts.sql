-- §2 and §8: snapshots that come twice with one delivered_at and different values, where such a
-- snapshot decides a value of §3: it is the last one up to a boundary of W, or the first of all,
-- to report a count. Deliveries that a later one replaced decide nothing.
-- A snapshot that is not the last of its interval to report a count decides no later boundary, so
-- one interval is looked at by itself; what is not among the suspects decides nothing or is alone.
{%- set counts = reported_counts() %}
with last_delivered as (

    select deliveries.*
    from {{ ref('int_suspect_deliveries') }} as deliveries
    inner join {{ ref('stg_post_metrics') }} as winners
        on
            deliveries.post_id = winners.post_id
            and deliveries.observed_at = winners.observed_at
            and deliveries.delivered_at = winners.delivered_at

),

conflicts as (

    select
        post_id,
        interval_no,
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
            interval_no,
            observed_at,
            delivered_at,
            {%- for count in counts %}
            {{ count }},
            {%- endfor %}
            ineligible_views
        from last_delivered
    )
    group by post_id, interval_no, observed_at, delivered_at
    having count(*) > 1

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
    inner join {{ ref('int_posts') }} as posts
        on
            conflicts.post_id = posts.post_id
            and conflicts.observed_at <= posts.window_end
    left join last_delivered as later
        on
            conflicts.post_id = later.post_id
            and conflicts.interval_no = later.interval_no
            and conflicts.observed_at < later.observed_at
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
            and conflicts.observed_at > posts.window_start
    left join last_delivered as earlier
        on
            conflicts.post_id = earlier.post_id
            and conflicts.interval_no = earlier.interval_no
            and conflicts.observed_at > earlier.observed_at
            and earlier.{{ count }} is not null
    left join {{ ref('int_post_intervals') }} as before
        on
            conflicts.post_id = before.post_id
            and conflicts.interval_no > before.interval_no
            and before.last_{{ count }} is not null
    where
        conflicts.reports_{{ count }}
        and earlier.post_id is null
        and before.post_id is null
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
