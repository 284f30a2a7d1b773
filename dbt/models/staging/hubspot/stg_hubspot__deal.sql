-- Deals as the CRM shows them now; earlier states are in raw.
with ranked as (
    {{ ranked_deliveries(source('raw', 'hubspot__deal'), ['deal_id']) }}
)

select
    ranked.deal_id,
    coalesce(ranked.pipeline, '') as pipeline,
    ranked.stage,
    ranked.amount,
    coalesce(ranked.currency, options.currency, current_run.report_currency) as currency,
    ranked.created_at,
    ranked.closed_at,
    ranked.company_ids,
    ranked.contact_ids,
    ranked.geo,
    ranked.deal_type,
    coalesce(ranked.is_deleted, false)
    or coalesce(cast(ranked._delivered_at as date) < {{ newest_complete_export('hubspot', 'hubspot__deal') }}, false)
        as is_deleted,
    ranked.original_source,
    ranked._delivered_at as delivered_at
from ranked
cross join {{ source('ops', 'current_run') }} as current_run
left join (
    select
        chosen.source,
        max(chosen.currency) as currency
    from {{ source('ops', 'source_option') }} as chosen
    group by chosen.source
) as options on options.source = 'hubspot'
where ranked.recency = 1
