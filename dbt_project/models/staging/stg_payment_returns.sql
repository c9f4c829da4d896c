-- §2: what is said of this program's payouts that did not arrive, at closes_on. "A return none of
-- whose rows has updated_at <= closes_on does not exist yet"; see stg_adjustments.
with period as (

    select * from {{ source('terms', 'period') }}

),

in_force as (

    select source.*
    from {{ source('raw', 'raw_payment_returns') }} as source
    inner join period
        on source.program = period.program and source.updated_at <= period.closes_at
    {{ in_force('source.return_id', 'period.closes_at') }}

)

select
    return_id,
    creator_id,
    period,
    currency,
    status,
    reason,
    updated_at
from in_force
