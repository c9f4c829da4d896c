-- Every post of a creator with a deal, with its creator's window and the version that judges it,
-- §4: "the version in force on the day min(max(the local day it was published on, first day),
-- last day)".
-- A local day begins at or after effective_from just when its first instant is at or after
-- effective_at, so days can be compared as instants.
with versions as (

    select
        effective.calendar,
        effective.version_no,
        effective.effective_at,
        lead(effective.effective_at, 1, {{ end_of_time() }}) over (
            partition by effective.calendar
            order by effective.version_no
        ) as superseded_at
    from {{ source('terms', 'terms_effective') }} as effective
    cross join {{ source('terms', 'period') }} as period
    where effective.effective_from <= period.last_day

),

posts as (

    select
        posts.post_id,
        posts.creator_id,
        posts.content_type,
        posts.is_branded_content,
        posts.is_collab,
        posts.has_watermark,
        posts.is_original,
        posts.published_at,
        posts.removed_at,
        windows.calendar,
        windows.window_start,
        windows.window_end,
        calendars.starts_at as period_starts_at,
        calendars.ends_at as period_ends_at,
        greatest(
            posts.published_at,
            coalesce(windows.window_start, calendars.starts_at)
        ) as judged_at
    from {{ ref('stg_posts') }} as posts
    inner join {{ ref('int_windows') }} as windows
        on posts.creator_id = windows.creator_id
    inner join {{ source('terms', 'calendars') }} as calendars
        on windows.calendar = calendars.calendar

)

select
    posts.post_id,
    posts.creator_id,
    posts.content_type,
    versions.version_no,
    posts.is_branded_content,
    posts.is_collab,
    posts.has_watermark,
    posts.is_original,
    posts.published_at,
    posts.removed_at,
    posts.window_start,
    posts.window_end,
    posts.period_starts_at,
    posts.period_ends_at
from posts
inner join versions
    on
        posts.calendar = versions.calendar
        and posts.judged_at >= versions.effective_at
        and posts.judged_at < versions.superseded_at
