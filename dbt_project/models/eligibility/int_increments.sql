-- §3 "A segment's increment is the value at its end minus the value at its start."
{%- set counts = scored_counts() %}
with values_at as (

    select * from {{ ref('int_counts_at') }}

)

select
    segment_end.post_id,
    segment_end.boundary_no as segment_no,
    {%- for count in counts %}
    segment_end.{{ count }} - segment_start.{{ count }} as {{ count }}{{ ',' if not loop.last }}
    {%- endfor %}
from values_at as segment_end
inner join values_at as segment_start
    on
        segment_end.post_id = segment_start.post_id
        and segment_end.boundary_no = segment_start.boundary_no + 1
