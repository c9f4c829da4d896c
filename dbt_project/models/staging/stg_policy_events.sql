-- §2: rows that are identical count as one.
with source as (

    select * from {{ source('raw', 'raw_policy_events') }}

),

once as (

    select source.*
    from source
    qualify row_number() over (partition by event_id order by file_no, row_no) = 1

)

select
    event_id,
    subject_type,
    subject_id,
    policy,
    status,
    effective_at
from once
