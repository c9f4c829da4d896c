-- §2: of the deliveries of one snapshot the one with the greatest delivered_at wins, with all its
-- values, nulls too. Where the winning delivery itself comes with different values, the gate after
-- eligibility blocks the snapshots that decide something; until then reported counts go before
-- null and greater before less, so that the choice never hangs on the order of files.
-- Only snapshots where that must be looked at are here: see int_post_aggregates.
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
            ineligible_views,
            likes desc nulls last,
            comments desc nulls last,
            shares desc nulls last
    ) = 1

)

select
    post_id,
    interval_no,
    is_ambiguous,
    views,
    ineligible_views,
    views - ineligible_views as qualified_views,
    likes,
    comments,
    shares,
    observed_at,
    delivered_at
from delivered_last
