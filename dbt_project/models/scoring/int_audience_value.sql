-- §5 "Audience value of a creator in a segment": the mean of the countries' values weighted by
-- accounts, clamped to [floor, ceiling], rounded half-even to 6 decimals.
with observed as (

    -- "the creator's audience rows with its latest observed_on <= the period's ends_on"
    select
        audience.creator_id,
        audience.country,
        audience.accounts
    from {{ ref('stg_audience') }} as audience
    inner join {{ source('terms', 'period') }} as period
        on audience.observed_on <= period.ends_on
    qualify rank() over (
        partition by audience.creator_id
        order by audience.observed_on desc
    ) = 1

),

segments as (

    select
        segments.creator_id,
        segments.segment_no,
        segments.version_no,
        segments.is_last,
        windows.market,
        versions.other_value_e6,
        versions.floor_e6,
        versions.ceiling_e6
    from {{ ref('int_segments') }} as segments
    inner join {{ ref('int_windows') }} as windows
        on segments.creator_id = windows.creator_id
    inner join {{ source('terms', 'terms_versions') }} as versions
        on segments.version_no = versions.version_no

),

weighted as (

    select
        segments.creator_id,
        segments.segment_no,
        sum(
            {{ whole('observed.accounts') }}
            * coalesce(countries.value_e6, segments.other_value_e6)
        ) as accounts_by_value_e6,
        sum({{ whole('observed.accounts') }}) as accounts
    from segments
    inner join observed
        on segments.creator_id = observed.creator_id
    left join {{ source('terms', 'terms_countries') }} as countries
        on
            segments.version_no = countries.version_no
            and observed.country = countries.country
    group by segments.creator_id, segments.segment_no

),

averaged as (

    select
        segments.creator_id,
        segments.segment_no,
        segments.version_no,
        segments.is_last,
        segments.floor_e6,
        segments.ceiling_e6,
        case
            when weighted.accounts > 0
                then {{ half_even_div('weighted.accounts_by_value_e6', 'weighted.accounts') }}
            -- "With no rows, or no accounts in them: the value of the creator's own market"
            else coalesce(own_market.value_e6, segments.other_value_e6)
        end as value_e6
    from segments
    left join weighted
        on
            segments.creator_id = weighted.creator_id
            and segments.segment_no = weighted.segment_no
    left join {{ source('terms', 'terms_countries') }} as own_market
        on
            segments.version_no = own_market.version_no
            and segments.market = own_market.country

)

-- Floor and ceiling have 6 decimals, so to clamp what is rounded is to round what is clamped.
select
    creator_id,
    segment_no,
    version_no,
    is_last,
    floor_e6,
    ceiling_e6,
    greatest(
        least(value_e6, coalesce(ceiling_e6, value_e6)),
        coalesce(floor_e6, {{ whole('0') }})
    ) as audience_value_e6
from averaged
