-- The one answer to what a channel cost in a period: sums of channel_spend_day over days, Monday weeks, months, fiscal
-- quarters, and the whole window of delivered spend.
with current_run as (
    select
        runs.report_currency,
        runs.year_starts_in_month
    from {{ ref('int_base__current_run') }} as runs
),

delivered as (
    select
        min(days.day) as first_day,
        max(days.day) as last_day
    from {{ ref('channel_spend_day') }} as days
),

placed as (
    select
        days.channel,
        days.cost_type,
        days.spend,
        days.priced,
        kinds.period_kind,
        case kinds.period_kind
            when 'day' then days.day
            when 'week' then cast(date_trunc('week', days.day) as date)
            when 'month' then cast(date_trunc('month', days.day) as date)
            when 'quarter' then {{ fiscal_quarter_start('days.day', 'current_run.year_starts_in_month') }}
            else delivered.first_day
        end as period_start
    from {{ ref('channel_spend_day') }} as days
    cross join current_run
    cross join delivered
    cross join (select unnest(['day', 'week', 'month', 'quarter', 'window']) as period_kind) as kinds
)

select
    placed.channel,
    placed.period_kind,
    placed.period_start,
    case placed.period_kind
        when 'week' then placed.period_start + 6
        when 'month' then last_day(placed.period_start)
        when 'quarter' then cast(placed.period_start + to_months(3) - to_days(1) as date)
        when 'window' then delivered.last_day
        else placed.period_start
    end as period_end,
    placed.cost_type,
    current_run.report_currency as currency,
    cast(sum(placed.spend) as decimal(18, 2)) as spend,
    bool_and(placed.priced) as priced
from placed
cross join current_run
cross join delivered
group by
    placed.channel,
    placed.period_kind,
    placed.period_start,
    placed.cost_type,
    current_run.report_currency,
    delivered.last_day
