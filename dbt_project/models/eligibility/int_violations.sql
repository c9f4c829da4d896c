-- §2: "A policy subject is in violation if, for any policy, its last event with
-- effective_at <= closes_on (ties: greatest event_id) is violated."
with last_events as (

    select
        events.subject_type,
        events.subject_id,
        events.status
    from {{ ref('stg_policy_events') }} as events
    inner join {{ source('terms', 'period') }} as period
        on events.effective_at <= period.closes_at
    qualify row_number() over (
        partition by events.subject_type, events.subject_id, events.policy
        order by events.effective_at desc, events.event_id desc
    ) = 1

)

select distinct
    subject_type,
    subject_id
from last_events
where status = 'violated'
