-- §8: "the posts in play (in post_eligibility, published before the end of W, not removed before
-- it)": what they were last seen with until the end of W, and the most that was seen until then.
{%- set counts = reported_counts() %}
with seen as (

    select
        post_id,
        {%- for count in counts %}
        max_by(last_{{ count }}, interval_no)
            filter (where is_before_window_end and last_{{ count }} is not null)
            as last_{{ count }},
        max(greatest_{{ count }}) filter (where is_before_window_end) as greatest_{{ count }},
        {%- endfor %}
        max(last_observed_at) filter (where is_before_window_end) as last_observed_at
    from {{ ref('int_post_intervals') }}
    group by post_id

)

select
    posts.post_id,
    posts.window_end,
    {%- for count in counts %}
    seen.last_{{ count }},
    seen.greatest_{{ count }},
    {%- endfor %}
    seen.last_observed_at
from {{ ref('int_period_posts') }} as posts
left join seen
    on posts.post_id = seen.post_id
where
    posts.published_at < posts.window_end
    and coalesce(posts.removed_at >= posts.window_end, true)
