-- §5 "Points of an eligible post": audience value x weights x increments, summed over the segments;
-- if negative, 0; rounded half-even to 4 decimals. In whole numbers: e6 x e4 = e10, back to e4.
with weighed as (

    select
        posts.post_id,
        posts.creator_id,
        posts.content_type,
        cast(sum(increments.qualified_views) as bigint) as qualified_views,
        cast(sum(increments.likes) as bigint) as likes,
        cast(sum(increments.comments) as bigint) as comments,
        cast(sum(increments.shares) as bigint) as shares,
        greatest(
            sum(
                {{ whole('audience.audience_value_e6') }}
                * (
                    {{ whole('increments.qualified_views') }} * coalesce(weights.views_e4, 0)
                    + {{ whole('increments.likes') }} * coalesce(weights.likes_e4, 0)
                    + {{ whole('increments.comments') }} * coalesce(weights.comments_e4, 0)
                    + {{ whole('increments.shares') }} * coalesce(weights.shares_e4, 0)
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
    qualified_views,
    likes,
    comments,
    shares,
    {{ half_even_div('points_e10', '1000000') }} as points_e4
from weighed
