-- §2: deals are taken in force at the period's closes_on.
with source as (

    select * from {{ source('raw', 'raw_deals') }}

),

in_force as (

    select source.*
    from source
    cross join {{ source('terms', 'period') }} as period
    {{ in_force('deal_id', 'period.closes_at') }}

)

select
    deal_id,
    creator_id,
    program,
    -- A cap of this program has at most 4 decimals (those of its currency); others are not used.
    cast(cap as decimal(38, 4)) as cap,
    invited_at,
    activated_at,
    ends_at,
    updated_at
from in_force
