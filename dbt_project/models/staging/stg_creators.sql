-- §2: creators are taken in force at the period's closes_on.
with source as (

    select * from {{ source('raw', 'raw_creators') }}

),

in_force as (

    select source.*
    from source
    cross join {{ source('terms', 'period') }} as period
    {{ in_force('creator_id', 'period.closes_at') }}

)

select
    creator_id,
    account_type,
    market,
    birth_date,
    updated_at
from in_force
