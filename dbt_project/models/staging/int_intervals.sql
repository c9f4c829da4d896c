-- The instants of all snapshots of a creator's posts, cut at the boundaries at which §3 asks for a
-- value: interval 0 ends where W starts, interval k is segment k, the last one begins where W ends.
-- A creator without W has one interval that holds everything.
with windows as (

    select * from {{ ref('int_windows') }}

),

segments as (

    select * from {{ ref('int_segments') }}

)

select
    creator_id,
    0 as interval_no,
    {{ beginning_of_time() }} as starts_at,
    coalesce(window_start, {{ end_of_time() }}) as ends_at
from windows

union all

select
    creator_id,
    segment_no as interval_no,
    starts_at,
    ends_at
from segments

union all

select
    creator_id,
    segment_no + 1 as interval_no,
    ends_at as starts_at,
    {{ end_of_time() }} as ends_at
from segments
where is_last
