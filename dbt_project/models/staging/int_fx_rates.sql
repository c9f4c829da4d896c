-- §7 "Rate at fx_on": what one unit of the program currency is in each currency that may be paid.
-- A currency without a row here has no rate.
with period as (

    select * from {{ source('terms', 'period') }}

),

payout_currencies as (

    select payout_currency from {{ ref('stg_payees') }}
    union
    select currency as payout_currency from {{ source('terms', 'market_currencies') }}
    union
    select currency as payout_currency from period

),

latest as (

    -- "the latest rate_date from fx_on - 7 days to fx_on"
    select
        rates.base_currency,
        rates.quote_currency,
        rates.rate_date,
        {{ whole_e10('rates.rate') }} as rate_e10
    from {{ ref('stg_fx_rates') }} as rates
    inner join period
        on
            rates.rate_date <= period.fx_on
            and rates.rate_date >= period.fx_on - interval 7 day
    qualify row_number() over (
        partition by rates.base_currency, rates.quote_currency
        order by rates.rate_date desc
    ) = 1

),

from_euro as (

    -- "EUR to EUR is 1"
    select
        quote_currency,
        rate_date,
        rate_e10
    from latest
    where base_currency = 'EUR' and quote_currency <> 'EUR'
    union all
    select
        'EUR' as quote_currency,
        cast(null as date) as rate_date,
        {{ whole('10000000000') }} as rate_e10

),

found as (

    select
        payout_currencies.payout_currency,
        case
            when payout_currencies.payout_currency = period.currency then 'same'
            when direct.rate_e10 is not null then 'direct'
            when payout_leg.rate_e10 is not null and program_leg.rate_e10 is not null
                then 'cross'
        end as rate_kind,
        direct.rate_e10 as direct_e10,
        {{ whole('payout_leg.rate_e10') }} * 10000000000 as payout_leg_e20,
        program_leg.rate_e10 as program_leg_e10,
        direct.rate_date as direct_date,
        payout_leg.rate_date as payout_leg_date,
        program_leg.rate_date as program_leg_date
    from payout_currencies
    cross join period
    left join latest as direct
        on
            period.currency = direct.base_currency
            and payout_currencies.payout_currency = direct.quote_currency
    left join from_euro as payout_leg
        on payout_currencies.payout_currency = payout_leg.quote_currency
    left join from_euro as program_leg
        on period.currency = program_leg.quote_currency

)

select
    payout_currency,
    rate_kind,
    case rate_kind
        when 'same' then {{ whole('10000000000') }}
        when 'direct' then direct_e10
        when 'cross' then {{ half_even_div('payout_leg_e20', 'program_leg_e10') }}
    end as rate_e10,
    -- The days of the rows that are taken; EUR to EUR has no row.
    case when rate_kind = 'direct' then direct_date end as direct_date,
    case when rate_kind = 'cross' then payout_leg_date end as payout_leg_date,
    case when rate_kind = 'cross' then program_leg_date end as program_leg_date
from found
where rate_kind is not null
