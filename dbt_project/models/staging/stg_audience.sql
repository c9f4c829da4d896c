-- §2: the row with the greatest delivered_at wins.
with source as (

    select * from {{ source('raw', 'raw_audience') }}

),

delivered_last as (

    select source.*
    from source
    qualify row_number() over (
        partition by creator_id, observed_on, country
        order by delivered_at desc, file_no, row_no
    ) = 1

)

select
    creator_id,
    country,
    accounts,
    observed_on,
    delivered_at
from delivered_last
