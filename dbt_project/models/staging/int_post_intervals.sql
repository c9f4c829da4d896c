-- Per post and interval the last and the greatest count that was reported, and the first one where
-- §3 may ask for it: of a post published before W, after the start of W.
{%- set counts = ['qualified_views'] + reported_counts() %}
with one_by_one as (

    select
        snapshots.post_id,
        snapshots.interval_no,
        {%- for count in counts %}
        max_by(snapshots.{{ count }}, snapshots.observed_at)
            filter (where snapshots.{{ count }} is not null) as last_{{ count }},
        min_by(snapshots.{{ count }}, snapshots.observed_at)
            filter (
                where snapshots.{{ count }} is not null
                and posts.published_at < posts.window_start
                and snapshots.observed_at > posts.window_start
            ) as first_{{ count }},
        max(snapshots.{{ count }}) as greatest_{{ count }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('stg_post_metrics') }} as snapshots
    inner join {{ ref('int_posts') }} as posts
        on snapshots.post_id = posts.post_id
    where snapshots.is_ambiguous
    group by snapshots.post_id, snapshots.interval_no

)

select
    aggregates.post_id,
    aggregates.interval_no,
    {%- for count in counts %}
    case
        when aggregates.is_ambiguous then one_by_one.last_{{ count }}
        else aggregates.last_{{ count }}
    end as last_{{ count }},
    case
        when aggregates.is_ambiguous then one_by_one.first_{{ count }}
        else aggregates.first_{{ count }}
    end as first_{{ count }},
    {%- if count != 'qualified_views' %}
    case
        when aggregates.is_ambiguous then one_by_one.greatest_{{ count }}
        else aggregates.greatest_{{ count }}
    end as greatest_{{ count }},
    {%- endif %}
    {%- endfor %}
    aggregates.last_observed_at,
    aggregates.has_snapshot_in_period,
    aggregates.is_before_window_end,
    aggregates.row_count
from {{ ref('int_post_aggregates') }} as aggregates
left join one_by_one
    on
        aggregates.post_id = one_by_one.post_id
        and aggregates.interval_no = one_by_one.interval_no
