-- Entries of deals into stages; an open stage has no end, however the connector spells it.
with ranked as (
    {{ ranked_deliveries(source('raw', 'hubspot__deal_stage'), ['deal_id', 'stage', 'entered_at']) }}
)

select
    ranked.deal_id,
    ranked.pipeline,
    ranked.stage,
    ranked.entered_at,
    case when year(ranked.left_at) < 2050 then ranked.left_at end as left_at
from ranked
where
    ranked.recency = 1
    and ranked.entered_at is not null
    and ranked.entered_at <= {{ as_of() }}
