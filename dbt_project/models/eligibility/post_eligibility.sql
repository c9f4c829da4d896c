-- §4: every post of the period, and why it is not eligible.
with gained as (

    select
        post_id,
        sum(qualified_views) as qualified_views
    from {{ ref('int_increments') }}
    group by post_id

),

judged as (

    select
        posts.post_id,
        posts.creator_id,
        posts.content_type,
        posts.published_at,
        cast(gained.qualified_views as bigint) as qualified_views,
        versions.maximum_posts,
        not creators.eligible as is_creator_ineligible,
        content_types.content_type is null as is_other_content_type,
        versions.excludes_branded_content and posts.is_branded_content as is_branded_content,
        versions.excludes_collab and posts.is_collab as is_collab,
        versions.excludes_watermark and posts.has_watermark as has_watermark,
        versions.excludes_not_original and not posts.is_original as is_not_original,
        violations.subject_id is not null as is_in_violation,
        posts.published_at >= posts.window_end
        or (
            not versions.counts_any
            and posts.published_at < posts.window_start
        ) as is_outside_window,
        coalesce(posts.removed_at < posts.window_end, false) as is_removed,
        gained.qualified_views < versions.minimum_views as is_below_minimum_views
    from {{ ref('int_period_posts') }} as posts
    inner join {{ ref('creator_eligibility') }} as creators
        on posts.creator_id = creators.creator_id
    inner join {{ source('terms', 'terms_versions') }} as versions
        on posts.version_no = versions.version_no
    left join gained
        on posts.post_id = gained.post_id
    left join {{ source('terms', 'terms_content_types') }} as content_types
        on
            posts.version_no = content_types.version_no
            and posts.content_type = content_types.content_type
    left join {{ ref('int_violations') }} as violations
        on
            violations.subject_type = 'post'
            and posts.post_id = violations.subject_id

),

reasoned as (

    -- All reasons but one, in the order of the alphabet. What hangs on W is null, so no reason
    -- where there is no W.
    select
        post_id,
        creator_id,
        content_type,
        published_at,
        qualified_views,
        maximum_posts,
        concat_ws(
            '|',
            case when is_below_minimum_views then 'BELOW_MINIMUM_VIEWS' end,
            case when is_branded_content then 'BRANDED_CONTENT' end,
            case when is_collab then 'COLLAB' end,
            case when is_other_content_type then 'CONTENT_TYPE' end,
            case when is_creator_ineligible then 'CREATOR_INELIGIBLE' end,
            case when is_not_original then 'NOT_ORIGINAL' end,
            case when is_outside_window then 'OUTSIDE_WINDOW' end,
            case when is_in_violation then 'POLICY_VIOLATION' end,
            case when is_removed then 'REMOVED' end,
            case when has_watermark then 'WATERMARK' end
        ) as reasons
    from judged

),

placed as (

    -- "its place among the creator's posts with no other reason, in the order of published_at,
    -- then post_id": so it is the only reason of a post that has it.
    select
        post_id,
        creator_id,
        content_type,
        published_at,
        qualified_views,
        case
            when
                reasons = ''
                and row_number() over (
                    partition by creator_id, reasons = ''
                    order by published_at, post_id
                ) > maximum_posts
                then 'OVER_POST_LIMIT'
            else reasons
        end as reasons
    from reasoned

)

select
    post_id,
    creator_id,
    content_type,
    published_at,
    qualified_views,
    reasons = '' as eligible,
    reasons
from placed
