-- Briefs whose variants were made for different audiences: their results compare people, not pieces.
select
    pieces.brief_id as brief,
    count(distinct features.feature) as audiences
from {{ ref('stg_content__piece_feature') }} as features
inner join {{ ref('stg_content__piece') }} as pieces on features.content_id = pieces.content_id
where features.namespace = 'audience' and features.feature is not null and pieces.brief_id is not null
group by pieces.brief_id
