-- §2: of the deliveries of one snapshot the one with the greatest delivered_at wins, with all its
-- values, nulls too. Where the winning delivery itself comes with different values, the gate after
-- eligibility blocks the snapshots that decide something; until then reported counts go before
-- null and greater before less, so that the choice never hangs on the order of files.
-- Only snapshots where that must be looked at are here: see int_post_aggregates.
{%- set counts = reported_counts() %}
with source as (

    select * from {{ ref('int_suspect_deliveries') }}

),

delivered_last as (

    select source.*
    from source
    qualify row_number() over (
        partition by post_id, observed_at
        order by
            delivered_at desc,
            views desc,
            ineligible_views
            {%- for count in counts if count != 'views' %},
            {{ count }} desc nulls last
            {%- endfor %}
    ) = 1

)

select
    post_id,
    interval_no,
    is_ambiguous,
    {%- for count in counts %}
    {{ count }},
    {%- endfor %}
    ineligible_views,
    views - ineligible_views as qualified_views,
    observed_at,
    delivered_at
from delivered_last
