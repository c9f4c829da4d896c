-- §5 "Points of an eligible post": audience value x weights x increments, summed over the segments;
-- if negative, 0; rounded half-even to 4 decimals. In whole numbers: e6 x e4 = e10, back to e4.
with weighed as (

    select
        posts.post_id,
        posts.creator_id,
        posts.content_type,
        {%- for count in scored_counts() %}
        cast(sum(increments.{{ count }}) as bigint) as {{ count }},
        {%- endfor %}
        greatest(
            sum(
                {{ whole('audience.audience_value_e6') }}
                * (
                    {%- for count in reported_counts() %}
                    {{ '+ ' if not loop.first -}}
                    {{ whole('increments.' ~ scored_count(count)) }}
                    * coalesce(weights.{{ count }}_e4, 0)
                    {%- endfor %}
                )
            ),
            0
        ) as points_e10
    from {{ ref('post_eligibility') }} as posts
    inner join {{ ref('int_increments') }} as increments
        on posts.post_id = increments.post_id
    inner join {{ ref('int_audience_value') }} as audience
        on
            posts.creator_id = audience.creator_id
            and increments.segment_no = audience.segment_no
    left join {{ source('terms', 'terms_weights') }} as weights
        on
            audience.version_no = weights.version_no
            and posts.content_type = weights.content_type
    where posts.eligible
    group by posts.post_id, posts.creator_id, posts.content_type

)

select
    post_id,
    creator_id,
    content_type,
    {%- for count in scored_counts() %}
    {{ count }},
    {%- endfor %}
    {{ half_even_div('points_e10', '1000000') }} as points_e4
from weighed
