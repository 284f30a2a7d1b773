-- Features of each piece as its newest delivery has them: declared values, or what the rules read from its text.
select
    pieces.content_id,
    pieces.variant_id as variant,
    features.namespace,
    features.feature,
    features.basis,
    features.extractor_version
from {{ ref('stg_content__piece') }} as pieces
inner join {{ source('measurement', 'content_feature') }} as features
    on pieces.batch_id = features.batch_id and pieces.file_row = features.file_row
