-- What one unit of a currency is worth in report currency, and on which days that is known. A rate of a day counts from
-- it until the day before the next one, five days at most; a monthly average counts for every day of its month that no
-- daily rate covers. Report currency itself is 1. There is never a rate of 1 for want of one.
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
        quoted.from_currency,
        quoted.rate_type,
        case quoted.rate_type
            when 'month_avg' then cast(date_trunc('month', quoted.rate_date) as date) else quoted.rate_date
        end as valid_from,
        quoted.rate,
        row_number() over (
            partition by
                quoted.from_currency,
                quoted.rate_type,
                case quoted.rate_type
                    when 'month_avg' then cast(date_trunc('month', quoted.rate_date) as date) else quoted.rate_date
                end
            order by quoted.preference, quoted.rate_date desc, quoted.rate
        ) as choice
    from quoted
    inner join current_run on quoted.from_currency <> current_run.report_currency
    where quoted.rate_type in ('spot', 'month_avg')
),

followed as (
    select
        preferred.from_currency,
        preferred.valid_from,
        preferred.rate,
        lead(preferred.valid_from) over (
            partition by preferred.from_currency order by preferred.valid_from
        ) as next_rate_date
    from preferred
    where preferred.choice = 1 and preferred.rate_type = 'spot'
),

daily as (
    select
        followed.from_currency,
        followed.valid_from,
        least(followed.valid_from + 5, coalesce(followed.next_rate_date - 1, followed.valid_from + 5)) as valid_until,
        followed.rate
    from followed
),

month_days as (
    select
        preferred.from_currency,
        preferred.valid_from + cast(parts.part as integer) as day,
        preferred.rate
    from preferred
    inner join (select unnest(range(0, 31)) as part) as parts
        on preferred.valid_from + cast(parts.part as integer) <= last_day(preferred.valid_from)
    where preferred.choice = 1 and preferred.rate_type = 'month_avg'
)

select
    daily.from_currency,
    daily.valid_from,
    daily.valid_until,
    daily.rate
from daily
union all
select
    month_days.from_currency,
    month_days.day as valid_from,
    month_days.day as valid_until,
    month_days.rate
from month_days
left join daily
    on
        month_days.from_currency = daily.from_currency
        and month_days.day between daily.valid_from and daily.valid_until
where daily.from_currency is null
union all
select
    current_run.report_currency as from_currency,
    date '1900-01-01' as valid_from,
    date '9999-12-31' as valid_until,
    cast(1 as decimal(18, 10)) as rate
from current_run
