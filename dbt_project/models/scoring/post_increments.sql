-- §9: "the increments of the eligible posts in all segments of their creator's W, 0 included".
select
    increments.post_id,
    increments.segment_no,
    posts.creator_id,
    {%- for count in scored_counts() %}
    increments.{{ count }}{{ ',' if not loop.last }}
    {%- endfor %}
from {{ ref('int_increments') }} as increments
inner join {{ ref('post_eligibility') }} as posts
    on increments.post_id = posts.post_id
where posts.eligible
