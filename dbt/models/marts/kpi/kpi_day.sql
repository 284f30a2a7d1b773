-- The outcome that the models explain. A day missing from the revenue file is not a zero day, unless plumbline.yaml says
-- `zero_fill: true`; where orders or the CRM are counted, a day without any is one with zero.
with current_run as (
    select runs.report_currency from {{ ref('int_base__current_run') }} as runs
),

summed as (
    select
        outcomes.day,
        outcomes.geo,
        outcomes.kpi,
        min(outcomes.grain) as grain,
        sum(outcomes.value) as value,
        sum(outcomes.revenue) as revenue,
        cast(sum(cast(outcomes.revenue as decimal(24, 6)) * outcomes.rate) as decimal(18, 2)) as converted,
        count(outcomes.revenue) as revenue_rows,
        count(case when outcomes.revenue is not null then outcomes.rate end) as converted_rows,
        count(distinct outcomes.currency) as currencies,
        min(outcomes.currency) as currency,
        sum(outcomes.orders) as orders,
        sum(outcomes.new_customers) as new_customers,
        bool_or(outcomes.provisional) as provisional,
        bool_or(outcomes.is_counted) as is_counted
    from {{ ref('int_kpi__outcome') }} as outcomes
    group by outcomes.day, outcomes.geo, outcomes.kpi
),

-- Amounts in several currencies on one line can only be stated in report currency.
told as (
    select
        summed.day,
        summed.geo,
        summed.kpi,
        summed.grain,
        case
            when summed.currencies > 1 and summed.kpi = 'revenue' then summed.converted else summed.value
        end as value,
        case when summed.currencies > 1 then summed.converted else summed.revenue end as revenue,
        case when summed.converted_rows = summed.revenue_rows then summed.converted end as revenue_report,
        summed.orders,
        summed.new_customers,
        case when summed.currencies > 1 then current_run.report_currency else summed.currency end as currency,
        summed.provisional,
        summed.is_counted
    from summed
    cross join current_run
),

kpi_span as (
    select
        told.kpi,
        min(told.day) as first_day,
        max(told.day) as last_day
    from told
    group by told.kpi
),

span as (
    select
        told.geo,
        told.kpi,
        min(told.currency) as currency,
        case when bool_or(told.is_counted) then min(kpi_span.first_day) else min(told.day) end as first_day,
        case when bool_or(told.is_counted) then max(kpi_span.last_day) else max(told.day) end as last_day
    from told
    inner join kpi_span on told.kpi = kpi_span.kpi
    cross join {{ ref('int_kpi__zero_fill') }} as choice
    where told.grain = 'day' and (choice.zero_fill or told.is_counted)
    group by told.geo, told.kpi
),

calendar as (
    select
        span.geo,
        span.kpi,
        span.currency,
        cast(unnest(generate_series(span.first_day, span.last_day, interval 1 day)) as date) as day
    from span
),

filled as (
    select
        told.day,
        told.geo,
        told.kpi,
        told.grain,
        told.value,
        told.revenue,
        told.revenue_report,
        told.orders,
        told.new_customers,
        told.currency,
        told.provisional
    from told
    union all
    select
        calendar.day,
        calendar.geo,
        calendar.kpi,
        'day' as grain,
        0 as value,
        0 as revenue,
        0 as revenue_report,
        0 as orders,
        null as new_customers,
        calendar.currency,
        false as provisional
    from calendar
    left join told
        on calendar.day = told.day and calendar.geo = told.geo and calendar.kpi = told.kpi
    where told.day is null
)

select
    filled.day,
    filled.geo,
    filled.kpi,
    filled.grain,
    cast(filled.value as decimal(38, 6)) as value,
    cast(filled.revenue as decimal(38, 6)) as revenue,
    cast(filled.revenue_report as decimal(18, 2)) as revenue_report,
    cast(filled.orders as bigint) as orders,
    cast(filled.new_customers as bigint) as new_customers,
    filled.currency,
    filled.provisional
from filled
