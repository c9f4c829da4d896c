-- §2: rows that are identical count as one.
with source as (

    select * from {{ source('raw', 'raw_fx_rates') }}

),

once as (

    select source.*
    from source
    qualify row_number() over (
        partition by rate_date, base_currency, quote_currency
        order by file_no, row_no
    ) = 1

)

select
    base_currency,
    quote_currency,
    rate,
    rate_date
from once
