-- Features of every variant, one row each: `key` where the feature is there, `key=value` where it has a value of its own.
with listed as (
    select
        pieces.variant_id as variant,
        pieces.features,
        unnest(json_keys(pieces.features)) as feature_key
    from {{ ref('stg_content__piece') }} as pieces
    where pieces.variant_id is not null and json_type(pieces.features) = 'OBJECT'
),

valued as (
    select
        listed.variant,
        listed.feature_key,
        json_extract_string(listed.features, '$."' || listed.feature_key || '"') as feature_value
    from listed
)

select distinct
    valued.variant,
    case
        when lower(valued.feature_value) in ('true', 'present') or try_cast(valued.feature_value as double) is not null
            then valued.feature_key
        else valued.feature_key || '=' || valued.feature_value
    end as feature
from valued
where
    valued.feature_value is not null
    and lower(valued.feature_value) not in ('', 'false', 'absent', 'null')
    and coalesce(try_cast(valued.feature_value as double), 1) <> 0
