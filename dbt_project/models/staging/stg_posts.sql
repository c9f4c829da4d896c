-- §2: posts are taken in force at the period's closes_on.
with source as (

    select * from {{ source('raw', 'raw_posts') }}

),

in_force as (

    select source.*
    from source
    cross join {{ source('terms', 'period') }} as period
    {{ in_force('post_id', 'period.closes_at') }}

)

select
    post_id,
    creator_id,
    content_type,
    is_branded_content,
    is_collab,
    has_watermark,
    is_original,
    published_at,
    removed_at,
    updated_at
from in_force
