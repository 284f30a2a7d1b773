-- Pieces of content with the features they were made with.
with ranked as (
    {{ ranked_deliveries(source('raw', 'content'), ['content_id']) }}
)

select
    ranked.content_id,
    ranked.brief_id,
    ranked.variant_id,
    ranked.url,
    ranked.channel,
    ranked.format,
    ranked.language,
    ranked.brand,
    ranked.published_at,
    lower(ranked.author_type) as author_type,
    ranked.cost,
    ranked.currency,
    ranked.text_sha256,
    cast(ranked.features as json) as features,
    ranked._batch_id as batch_id,
    ranked._row as file_row
from ranked
where ranked.recency = 1
