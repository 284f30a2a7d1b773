-- Links between records that connectors deliver as tables of their own: companies and contacts of deals, merged contacts.
with ranked as (
    {{ ranked_deliveries(source('raw', 'hubspot__link'), ['kind', 'from_id', 'to_id']) }}
)

select
    ranked.kind,
    ranked.from_id,
    ranked.to_id,
    ranked.linked_at
from ranked
where ranked.recency = 1
