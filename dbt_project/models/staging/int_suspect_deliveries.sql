-- The deliveries that must be looked at one by one: of an ambiguous interval of a post all, of one
-- that may hold a conflict those of its first and last snapshot, which may decide something.
{{ config(pre_hook=distrust_statistics(), post_hook=trust_statistics()) }}

with suspects as (

    select
        post_id,
        interval_no,
        is_ambiguous,
        first_observed_at,
        last_observed_at
    from {{ ref('int_post_aggregates') }}
    where is_ambiguous or may_conflict

)

select
    metrics.post_id,
    suspects.interval_no,
    suspects.is_ambiguous,
    {%- for count in reported_counts() %}
    metrics.{{ count }},
    {%- endfor %}
    metrics.ineligible_views,
    metrics.observed_at,
    metrics.delivered_at
from {{ source('raw', 'raw_post_metrics') }} as metrics
inner join suspects
    on
        metrics.post_id = suspects.post_id
        and metrics.observed_at >= suspects.first_observed_at
        and metrics.observed_at <= suspects.last_observed_at
        and (
            suspects.is_ambiguous
            or metrics.observed_at = suspects.first_observed_at
            or metrics.observed_at = suspects.last_observed_at
        )
