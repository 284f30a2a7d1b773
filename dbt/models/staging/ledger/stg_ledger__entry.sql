-- The books, entry by entry; an amount is positive on its kind's normal side.
with ranked as (
    {{ ranked_deliveries(source('raw', 'ledger'), ['entry_id']) }}
)

select
    ranked.entry_id,
    ranked.posted_on,
    coalesce(ranked.period, strftime(ranked.posted_on, '%Y-%m')) as period,
    coalesce(ranked.account_code, '(none)') as account_code,
    ranked.account_name,
    ranked.vendor,
    ranked.kind,
    ranked.channel,
    ranked.amount,
    coalesce(ranked.currency, 'XXX') as currency
from ranked
where ranked.recency = 1
