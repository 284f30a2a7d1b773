-- What happened to a piece of content, each event once.
with ranked as (
    {{ ranked_deliveries(source('raw', 'content_events'), ['event_id']) }}
)

select
    ranked.event_id,
    ranked.ts as occurred_at,
    ranked.content_id,
    ranked.type,
    lower(ranked.actor_type) as actor_type,
    ranked.actor_id,
    cast(ranked.payload as json) as payload
from ranked
where ranked.recency = 1 and ranked.ts <= {{ as_of() }}
