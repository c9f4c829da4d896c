-- §9: the eligible posts, with their increments over W and their points.
select
    post_id,
    creator_id,
    content_type,
    {%- for count in scored_counts() %}
    {{ count }},
    {%- endfor %}
    {{ decimal_e4('points_e4') }} as points
from {{ ref('int_post_points') }}
