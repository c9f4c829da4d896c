-- §3: every creator with a deal, the deal that counts, and W.
-- It stands in staging since the gate after staging speaks of these creators and windows.
with deals as (

    -- "those in force at closes_on that are of this program then and have invited_at < closes_on"
    select
        deals.deal_id,
        deals.creator_id,
        deals.cap,
        deals.activated_at,
        deals.ends_at
    from {{ ref('stg_deals') }} as deals
    inner join {{ source('terms', 'period') }} as period
        on deals.program = period.program and deals.invited_at < period.closes_at

),

creators_with_deal as (

    select
        deals.creator_id,
        creators.account_type,
        creators.market,
        creators.birth_date,
        creators.creator_id is not null as is_known,
        -- The market's own days, or UTC (named '') where it is unknown or not the program's.
        coalesce(calendars.calendar, '') as calendar,
        deals.has_activated_deal
    from (
        select
            creator_id,
            count(activated_at) > 0 as has_activated_deal
        from deals
        group by creator_id
    ) as deals
    left join {{ ref('stg_creators') }} as creators
        on deals.creator_id = creators.creator_id
    left join {{ source('terms', 'calendars') }} as calendars
        on creators.market = calendars.calendar and calendars.calendar <> ''

),

windows as (

    select
        creators_with_deal.creator_id,
        deals.deal_id,
        deals.cap,
        deals.activated_at,
        greatest(calendars.starts_at, deals.activated_at) as window_start,
        least(
            calendars.ends_at,
            deals.ends_at,
            coalesce(calendars.terminated_at, calendars.ends_at)
        ) as window_end
    from creators_with_deal
    inner join {{ source('terms', 'calendars') }} as calendars
        on creators_with_deal.calendar = calendars.calendar
    inner join deals
        on creators_with_deal.creator_id = deals.creator_id
    where creators_with_deal.calendar <> '' and deals.activated_at is not null

),

taking_part as (

    -- "If several take part, the one activated first counts (ties: least deal_id)"
    select *
    from windows
    where window_start < window_end
    qualify row_number() over (
        partition by creator_id
        order by activated_at, deal_id
    ) = 1

)

select
    creators_with_deal.creator_id,
    creators_with_deal.account_type,
    creators_with_deal.market,
    creators_with_deal.birth_date,
    creators_with_deal.calendar,
    creators_with_deal.is_known,
    creators_with_deal.has_activated_deal,
    taking_part.deal_id,
    taking_part.cap as deal_cap,
    taking_part.window_start,
    taking_part.window_end
from creators_with_deal
left join taking_part
    on creators_with_deal.creator_id = taking_part.creator_id
