-- What one unit of a currency is worth in report currency, and on which days that is known: from its own day until the
-- day before the next rate, five days at most. Report currency itself is 1. There is never a rate of 1 for want of one.
with current_run as (
    select runs.report_currency from {{ source('ops', 'current_run') }} as runs
),

quoted as (
    select
        rates.rate_date,
        rates.from_currency,
        rates.rate,
        1 as preference,
        rates.rate_type
    from {{ ref('stg_fx__rate') }} as rates
    inner join current_run on rates.to_currency = current_run.report_currency
    union all
    select
        rates.rate_date,
        rates.to_currency as from_currency,
        cast(cast(1 as double) / cast(rates.rate as double) as decimal(18, 10)) as rate,
        2 as preference,
        rates.rate_type
    from {{ ref('stg_fx__rate') }} as rates
    inner join current_run on rates.from_currency = current_run.report_currency
),

preferred as (
    select
        quoted.rate_date,
        quoted.from_currency,
        quoted.rate,
        row_number() over (
            partition by quoted.from_currency, quoted.rate_date
            order by
                quoted.preference,
                case quoted.rate_type when 'spot' then 1 when 'month_avg' then 2 else 3 end,
                quoted.rate
        ) as choice
    from quoted
    inner join current_run on quoted.from_currency <> current_run.report_currency
    where quoted.rate_type in ('spot', 'month_avg')
),

followed as (
    select
        preferred.from_currency,
        preferred.rate_date as valid_from,
        preferred.rate,
        lead(preferred.rate_date) over (
            partition by preferred.from_currency order by preferred.rate_date
        ) as next_rate_date
    from preferred
    where preferred.choice = 1
)

select
    followed.from_currency,
    followed.valid_from,
    least(followed.valid_from + 5, coalesce(followed.next_rate_date - 1, followed.valid_from + 5)) as valid_until,
    followed.rate
from followed
union all
select
    current_run.report_currency as from_currency,
    date '1900-01-01' as valid_from,
    date '9999-12-31' as valid_until,
    cast(1 as decimal(18, 10)) as rate
from current_run
