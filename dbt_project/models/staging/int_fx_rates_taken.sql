-- §8: the rows of fx_rates that §7 takes for a creator with a deal, both of a cross rate, and the
-- median of the rates of each pair before: "from fx_on - 67 days to fx_on - 8 days". The median is
-- kept twice over, so that the mean of the middle two is whole.
with period as (

    select * from {{ source('terms', 'period') }}

),

needed as (

    select *
    from {{ ref('int_fx_rates') }}
    where payout_currency in (
        select payout_currency from {{ ref('int_payout_currencies') }}
    )

),

days_taken as (

    -- A leg to the program currency is taken by many currencies, and is one row all the same.
    select
        period.currency as base_currency,
        needed.payout_currency as quote_currency,
        needed.direct_date as rate_date
    from needed
    cross join period
    union
    select
        'EUR' as base_currency,
        payout_currency as quote_currency,
        payout_leg_date as rate_date
    from needed
    union
    select
        'EUR' as base_currency,
        period.currency as quote_currency,
        needed.program_leg_date as rate_date
    from needed
    cross join period

),

taken as (

    select
        rates.base_currency,
        rates.quote_currency,
        rates.rate_date,
        rates.rate
    from {{ ref('stg_fx_rates') }} as rates
    inner join days_taken
        on
            rates.base_currency = days_taken.base_currency
            and rates.quote_currency = days_taken.quote_currency
            and rates.rate_date = days_taken.rate_date

),

before as (

    select
        rates.base_currency,
        rates.quote_currency,
        {{ whole_e10('rates.rate') }} as rate_e10,
        row_number() over (
            partition by rates.base_currency, rates.quote_currency
            order by rates.rate
        ) as place,
        count(*) over (
            partition by rates.base_currency, rates.quote_currency
        ) as rate_count
    from {{ ref('stg_fx_rates') }} as rates
    inner join taken
        on
            rates.base_currency = taken.base_currency
            and rates.quote_currency = taken.quote_currency
    inner join period
        on
            rates.rate_date >= period.fx_on - interval 67 day
            and rates.rate_date <= period.fx_on - interval 8 day

),

medians as (

    -- Of an odd number the middle one is both; of an even number these are the middle two.
    select
        base_currency,
        quote_currency,
        max(rate_count) as rate_count,
        min(rate_e10) + max(rate_e10) as twice_median_e10
    from before
    where place * 2 >= rate_count and place * 2 <= rate_count + 2
    group by base_currency, quote_currency

)

select
    taken.base_currency,
    taken.quote_currency,
    taken.rate_date,
    taken.rate,
    {{ whole_e10('taken.rate') }} as rate_e10,
    coalesce(medians.rate_count, 0) as rates_before,
    {{ half_of_e10('medians.twice_median_e10') }} as median_before,
    medians.twice_median_e10,
    coalesce(taken.rate = confirmed.rate, false) as is_confirmed
from taken
left join medians
    on
        taken.base_currency = medians.base_currency
        and taken.quote_currency = medians.quote_currency
left join {{ source('terms', 'fx_confirmed') }} as confirmed
    on
        taken.base_currency = confirmed.base_currency
        and taken.quote_currency = confirmed.quote_currency
