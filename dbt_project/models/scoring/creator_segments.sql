-- §9: "creator_segments has the segments of all creators with a W, numbered from 1".
select
    segments.creator_id,
    segments.segment_no,
    segments.starts_at,
    segments.ends_at,
    versions.version as terms_version,
    {{ decimal_e6('audience.audience_value_e6') }} as audience_value
from {{ ref('int_segments') }} as segments
inner join {{ ref('int_audience_value') }} as audience
    on
        segments.creator_id = audience.creator_id
        and segments.segment_no = audience.segment_no
inner join {{ source('terms', 'terms_versions') }} as versions
    on segments.version_no = versions.version_no
