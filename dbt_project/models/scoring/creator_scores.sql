-- §5 "A creator's points are the sum over its eligible posts." The eligible creators.
with summed as (

    select
        creator_id,
        count(*) as eligible_posts,
        sum(points_e4) as points_e4
    from {{ ref('int_post_points') }}
    group by creator_id

)

select
    creators.creator_id,
    creators.market,
    coalesce(summed.eligible_posts, 0) as eligible_posts,
    {{ decimal_e6('audience.audience_value_e6') }} as audience_value,
    {{ decimal_e4('coalesce(summed.points_e4, 0)') }} as points
from {{ ref('creator_eligibility') }} as creators
inner join {{ ref('int_audience_value') }} as audience
    on creators.creator_id = audience.creator_id and audience.is_last
left join summed
    on creators.creator_id = summed.creator_id
where creators.eligible
