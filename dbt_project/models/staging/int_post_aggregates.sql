-- The one pass over the snapshots: per post and interval (a boundary belongs to the interval that
-- ends with it, since §3 counts a snapshot at b by b) the counts of its last row in the order of
-- (observed_at, delivered_at), of its first one where §3 may ask for it, and the greatest.
-- This is what §2 and §3 mean wherever
--   * that row reports all that the interval reports (else an earlier one decides a count, or a
--     later delivery has withdrawn it), and
--   * no count was ever greater than the last one, or no snapshot was delivered twice (else the
--     greatest may be one that was replaced).
-- Where that does not hold (is_ambiguous), int_post_intervals takes the deliveries one by one.
-- And where two rows may be of one version (may_conflict), int_deciding_conflicts looks at them.
-- Whether a snapshot may have come twice is told by days: rows of as many different days, in time
-- and late ones apart, are as many different snapshots.
{{ config(pre_hook=distrust_statistics(), post_hook=trust_statistics()) }}

{%- set counts = reported_counts() %}
with segment_counts as (

    select
        creator_id,
        max(segment_no) as segment_count
    from {{ ref('int_segments') }}
    group by creator_id

),

-- Only where there are several must a row be looked up among them.
several_segments as (

    select
        segments.creator_id,
        segments.segment_no,
        segments.starts_at,
        segments.ends_at
    from {{ ref('int_segments') }} as segments
    inner join segment_counts
        on
            segments.creator_id = segment_counts.creator_id
            and segment_counts.segment_count > 1

),

posts as (

    select
        posts.post_id,
        posts.creator_id,
        posts.window_start,
        posts.window_end,
        posts.period_starts_at,
        posts.period_ends_at,
        posts.published_at < posts.window_start as is_older,
        segment_counts.segment_count
    from {{ ref('int_posts') }} as posts
    left join segment_counts
        on posts.creator_id = segment_counts.creator_id

),

snapshots as (

    select
        metrics.post_id,
        posts.segment_count,
        {%- for count in counts %}
        metrics.{{ count }},
        {%- endfor %}
        metrics.ineligible_views,
        metrics.observed_at,
        {{ instants_key('metrics.observed_at', 'metrics.delivered_at') }} as row_key,
        {{ instants_key('metrics.observed_at', 'metrics.delivered_at', ascending=false) }}
            as first_key,
        {{ day_bit('metrics.observed_at') }} as day_bit,
        metrics.delivered_at >= metrics.observed_at + interval 24 hour as is_late,
        metrics.observed_at >= posts.period_starts_at
        and metrics.observed_at <= posts.period_ends_at as is_in_period,
        posts.is_older and metrics.observed_at > posts.window_start as may_be_first,
        coalesce(
            several_segments.segment_no,
            case
                when metrics.observed_at <= posts.window_start then 0
                when metrics.observed_at <= posts.window_end then 1
                else posts.segment_count + 1
            end,
            0
        ) as interval_no
    from {{ source('raw', 'raw_post_metrics') }} as metrics
    inner join posts
        on metrics.post_id = posts.post_id
    left join several_segments
        on
            posts.creator_id = several_segments.creator_id
            and metrics.observed_at > several_segments.starts_at
            and metrics.observed_at <= several_segments.ends_at

),

aggregated as (

    select
        post_id,
        interval_no,
        -- Without W nothing but being seen in the period is asked; after W only the first row is.
        coalesce(min(segment_count) >= interval_no, false) as is_before_window_end,
        {{ last_by('ineligible_views', 'row_key') }} as last_ineligible_views,
        {%- for count in counts %}
        {{ last_by(count, 'row_key') }} as last_{{ count }},
        max({{ count }}) as greatest_{{ count }},
        {%- endfor %}
        -- All counts at once: a filter costs as much as an aggregate.
        {{ first_by(packed(counts + ['ineligible_views']), 'first_key') }}
            filter (where may_be_first) as first_row,
        bool_or(may_be_first) as has_first,
        min(observed_at) as first_observed_at,
        max(observed_at) as last_observed_at,
        bool_or(is_in_period) as has_snapshot_in_period,
        count(*) as row_count,
        bit_or(case when is_late then 0 else day_bit end) as days,
        bit_or(case when is_late then day_bit else 0 end) as late_days
    from snapshots
    group by post_id, interval_no

)

select
    post_id,
    interval_no,
    last_views - last_ineligible_views as last_qualified_views,
    first_row.views - first_row.ineligible_views as first_qualified_views,
    {%- for count in counts %}
    last_{{ count }},
    first_row.{{ count }} as first_{{ count }},
    greatest_{{ count }},
    {%- endfor %}
    first_observed_at,
    last_observed_at,
    has_snapshot_in_period,
    is_before_window_end,
    row_count,
    {{ set_bits('days') }} + {{ set_bits('late_days') }} < row_count
    and (is_before_window_end or has_first) as may_conflict,
    {%- for count in counts %}
    (has_first and first_row.{{ count }} is null and greatest_{{ count }} is not null)
    or (
        is_before_window_end
        and (
            (last_{{ count }} is null and greatest_{{ count }} is not null)
            or (
                last_{{ count }} < greatest_{{ count }}
                and {{ set_bits('days | late_days') }} < row_count
            )
        )
    )
    {{ 'or' if not loop.last }}
    {%- endfor %} as is_ambiguous
from aggregated
