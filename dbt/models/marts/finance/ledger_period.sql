-- The books per month, kind and channel: the control total to which every number of the report is tied.
with mapped as (
    select
        entries.period,
        coalesce(accounts.kind, entries.kind, 'orphan') as kind,
        coalesce(accounts.channel, nullif(trim(entries.channel), ''), '(none)') as channel,
        entries.currency,
        entries.account_code,
        entries.amount,
        entries.posted_on,
        rates.rate,
        coalesce(accounts.modelled, true) as modelled,
        accounts.reason
    from {{ ref('stg_ledger__entry') }} as entries
    left join {{ ref('int_finance__account') }} as accounts on entries.account_code = accounts.account_code
    left join {{ ref('int_base__fx_rate') }} as rates
        on entries.currency = rates.from_currency and entries.posted_on between rates.valid_from and rates.valid_until
)

select
    mapped.period,
    mapped.kind,
    mapped.channel,
    mapped.currency,
    mapped.account_code,
    cast(sum(mapped.amount) as decimal(38, 6)) as amount,
    case
        when count(mapped.rate) = count(*)
            then cast(sum(cast(mapped.amount as decimal(24, 6)) * mapped.rate) as decimal(18, 2))
    end as amount_report,
    cast(count(*) as bigint) as entries,
    cast(count(*) filter (mapped.rate is null) as bigint) as unpriced_entries,
    cast(sum(mapped.amount) filter (mapped.rate is null) as decimal(38, 6)) as unpriced_amount,
    min(mapped.posted_on) filter (mapped.rate is null) as unpriced_from,
    bool_and(mapped.modelled) as modelled,
    max(mapped.reason) as reason
from mapped
group by mapped.period, mapped.kind, mapped.channel, mapped.currency, mapped.account_code
