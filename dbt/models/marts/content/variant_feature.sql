-- Features of every variant, one row each: `key` where the feature is there, `key=value` where it has a value of its own.
select distinct
    features.variant,
    features.feature
from {{ ref('stg_content__piece_feature') }} as features
where features.variant is not null and features.feature is not null
