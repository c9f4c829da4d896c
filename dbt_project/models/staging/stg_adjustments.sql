-- §2: this program's adjustments that are there at closes_on, each as it is in force then. "An
-- adjustment none of whose rows has updated_at <= closes_on does not exist yet"; what an earlier
-- period has posted of one is for the ledger, which reads all rows.
with period as (

    select * from {{ source('terms', 'period') }}

),

in_force as (

    select source.*
    from {{ source('raw', 'raw_adjustments') }} as source
    inner join period
        on source.program = period.program and source.updated_at <= period.closes_at
    {{ in_force('source.adjustment_id', 'period.closes_at') }}

)

select
    in_force.adjustment_id,
    in_force.creator_id,
    in_force.period,
    in_force.currency,
    in_force.amount,
    in_force.reason,
    in_force.requested_by,
    in_force.approved_by,
    in_force.updated_at,
    coalesce(requesters.compared_as = approvers.compared_as, false) as is_own_approval
from in_force
left join {{ source('raw', 'people') }} as requesters
    on in_force.requested_by = requesters.name
left join {{ source('raw', 'people') }} as approvers
    on in_force.approved_by = approvers.name
