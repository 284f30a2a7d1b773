-- Pieces of content with their features; the log says when a piece was published if its own record does not.
with published as (
    select
        events.content_id,
        min(events.occurred_at) as published_at
    from {{ ref('stg_content__event') }} as events
    where events.type = 'published'
    group by events.content_id
)

select
    pieces.content_id,
    pieces.brief_id,
    pieces.variant_id,
    pieces.channel,
    pieces.format,
    pieces.language,
    pieces.brand,
    coalesce(pieces.published_at, published.published_at) as published_at,
    pieces.author_type,
    cast(pieces.cost as decimal(18, 6)) as cost,
    pieces.currency,
    pieces.features
from {{ ref('stg_content__piece') }} as pieces
left join published on pieces.content_id = published.content_id
