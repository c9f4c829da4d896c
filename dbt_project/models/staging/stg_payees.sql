-- §2: payees are taken in force at the period's pays_on, a later day than all the others.
with source as (

    select * from {{ source('raw', 'raw_payees') }}

),

in_force as (

    select source.*
    from source
    cross join {{ source('terms', 'period') }} as period
    {{ in_force('creator_id', 'period.pays_at') }}

)

select
    creator_id,
    payout_currency,
    tax_residence,
    tax_form,
    status,
    updated_at
from in_force
