-- Companies of the CRM.
with ranked as (
    {{ ranked_deliveries(source('raw', 'hubspot__company'), ['company_id']) }}
)

select
    ranked.company_id,
    lower(ranked.domain) as domain,
    ranked.industry,
    ranked.country,
    ranked.created_at,
    coalesce(ranked.is_deleted, false)
    or coalesce(cast(ranked._delivered_at as date) < {{ newest_complete_export('hubspot', 'hubspot__company') }}, false)
        as is_deleted
from ranked
where ranked.recency = 1
