-- §2: what is said of this program's payouts that did not arrive, as it is in force at closes_on.
with in_force as (

    {{ decisions_in_force(
        source('raw', 'raw_payment_returns'), source('terms', 'period'), 'return_id'
    ) }}

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
