-- §4: "every post of such a creator that was published in the period's local days, or has a
-- snapshot from their start to their end, both included". Other posts earn nothing.
select posts.*
from {{ ref('int_posts') }} as posts
where
    (
        posts.published_at >= posts.period_starts_at
        and posts.published_at < posts.period_ends_at
    )
    or posts.post_id in (
        select seen.post_id
        from {{ ref('int_post_intervals') }} as seen
        where seen.has_snapshot_in_period
    )
