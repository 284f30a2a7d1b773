-- Exchange rates as delivered: units of to_currency for one unit of from_currency.
with ranked as (
    {{ ranked_deliveries(source('raw', 'fx_rate'), ['rate_date', 'from_currency', 'to_currency', 'rate_type']) }}
)

select
    ranked.rate_date,
    ranked.from_currency,
    ranked.to_currency,
    coalesce(ranked.rate_type, 'spot') as rate_type,
    ranked.rate
from ranked
where ranked.recency = 1 and ranked.rate > 0
