-- Contacts without names or addresses: the e-mail is a keyed hash since landing.
with ranked as (
    {{ ranked_deliveries(source('raw', 'hubspot__contact'), ['contact_id']) }}
)

select
    ranked.contact_id,
    ranked.email_hash,
    lower(ranked.email_domain) as email_domain,
    ranked.created_at,
    lower(ranked.lifecycle_stage) as lifecycle_stage,
    ranked.company_ids,
    ranked.country,
    nullif(trim(ranked.self_reported), '') as self_reported,
    coalesce(ranked.is_deleted, false)
    or coalesce(cast(ranked._delivered_at as date) < {{ newest_complete_export('hubspot', 'hubspot__contact') }}, false)
        as is_deleted,
    ranked._delivered_at as delivered_at
from ranked
where ranked.recency = 1
