-- §4: creators are judged by the version in force on the last day of the period.
with judged as (

    select
        windows.creator_id,
        windows.market,
        windows.deal_id,
        windows.window_start,
        windows.window_end,
        windows.is_known,
        windows.has_activated_deal,
        windows.calendar <> '' as is_program_market,
        account_types.account_type is not null as is_accepted_account_type,
        markets.market is not null as is_accepted_market,
        violations.subject_id is not null as is_in_violation,
        -- "29 February: birthday on 1 March in other years": as year-month-day numbers, 29 February
        -- lies between 28 February and 1 March of every year.
        extract(year from windows.birth_date) * 10000
        + extract(month from windows.birth_date) * 100
        + extract(day from windows.birth_date)
        + versions.minimum_age * 10000
            as of_age_on,
        extract(year from period.starts_on) * 10000
        + extract(month from period.starts_on) * 100
        + extract(day from period.starts_on)
            as starts_on
    from {{ ref('int_windows') }} as windows
    cross join {{ source('terms', 'period') }} as period
    inner join {{ source('terms', 'terms_versions') }} as versions
        on period.last_version_no = versions.version_no
    left join {{ source('terms', 'terms_account_types') }} as account_types
        on
            period.last_version_no = account_types.version_no
            and windows.account_type = account_types.account_type
    left join {{ source('terms', 'terms_markets') }} as markets
        on
            period.last_version_no = markets.version_no
            and windows.market = markets.market
    left join {{ ref('int_violations') }} as violations
        on
            violations.subject_type = 'creator'
            and windows.creator_id = violations.subject_id

),

reasoned as (

    -- In the order of the alphabet, as the contract lists them.
    select
        creator_id,
        market,
        deal_id,
        window_start,
        window_end,
        concat_ws(
            '|',
            case when is_known and not is_accepted_account_type then 'ACCOUNT_TYPE' end,
            case
                when is_program_market and has_activated_deal and window_start is null
                    then 'DEAL_OUTSIDE_PERIOD'
            end,
            case when is_known and not is_accepted_market then 'MARKET' end,
            case when not has_activated_deal then 'NOT_ACTIVATED' end,
            case when is_known and is_in_violation then 'POLICY_VIOLATION' end,
            case when is_known and of_age_on > starts_on then 'UNDER_AGE' end,
            case when not is_known then 'UNKNOWN_CREATOR' end
        ) as reasons
    from judged

)

select
    creator_id,
    market,
    deal_id,
    window_start,
    window_end,
    reasons = '' as eligible,
    reasons
from reasoned
