-- §2: this program's adjustments that are there at closes_on, each as it is in force then.
with in_force as (

    {{ decisions_in_force(
        source('raw', 'raw_adjustments'), source('terms', 'period'), 'adjustment_id'
    ) }}

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
