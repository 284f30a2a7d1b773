-- What is known about a variant: the parts of the piece that were declared or could be read, whatever they hold.
select
    features.variant,
    features.namespace
from {{ ref('stg_content__piece_feature') }} as features
where features.variant is not null
group by features.variant, features.namespace
having bool_and(features.basis <> 'unknown')
