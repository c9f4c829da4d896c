-- §7: the currency that each creator with a deal is paid in: that of its payees row in force at
-- pays_on, else its market's, else the program's.
with currencies as (

    select
        windows.creator_id,
        coalesce(
            payees.payout_currency,
            own_market.currency,
            other_market.currency
        ) as payout_currency
    from {{ ref('int_windows') }} as windows
    inner join {{ source('terms', 'market_currencies') }} as other_market
        on other_market.market = ''
    left join {{ ref('stg_payees') }} as payees
        on windows.creator_id = payees.creator_id
    left join {{ source('terms', 'market_currencies') }} as own_market
        on windows.market = own_market.market

)

select
    currencies.creator_id,
    currencies.payout_currency,
    withdrawn.currency is not null as is_withdrawn
from currencies
left join {{ source('terms', 'withdrawn_currencies') }} as withdrawn
    on currencies.payout_currency = withdrawn.currency
