-- §3: "Terms versions cut W into segments at the local midnight of each effective_from inside it."
with versions as (

    select
        calendar,
        version_no,
        effective_at,
        lead(effective_at, 1, {{ end_of_time() }}) over (
            partition by calendar
            order by version_no
        ) as superseded_at
    from {{ source('terms', 'terms_effective') }}

),

cut as (

    select
        windows.creator_id,
        versions.version_no,
        greatest(windows.window_start, versions.effective_at) as starts_at,
        least(windows.window_end, versions.superseded_at) as ends_at
    from {{ ref('int_windows') }} as windows
    inner join versions
        on windows.calendar = versions.calendar
    where windows.window_start is not null

)

select
    creator_id,
    row_number() over (partition by creator_id order by starts_at) as segment_no,
    version_no,
    starts_at,
    ends_at,
    row_number() over (partition by creator_id order by starts_at desc) = 1 as is_last
from cut
where starts_at < ends_at
