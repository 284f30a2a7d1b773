-- Month by month: what the books say, what the models see, and the gap between the two, in report currency.
with current_run as (
    select
        runs.report_currency,
        runs.kpi
    from {{ ref('int_base__current_run') }} as runs
),

-- A null total means that a rate is missing: a gap computed from the rest would look reconciled without being so.
-- A missing rate of an invoice makes the spend of the books unknown, and leaves their revenue as it is.
booked as (
    select
        ledger.period,
        case
            when bool_and(ledger.amount_report is not null or ledger.kind in ('media_spend', 'accrual'))
                then
                    sum(
                        case ledger.kind
                            when 'revenue' then ledger.amount_report when 'refund' then -ledger.amount_report else 0
                        end
                    )
        end as booked_revenue,
        case
            when bool_and(ledger.amount_report is not null or ledger.kind in ('media_spend', 'accrual'))
                then
                    sum(case
                        when ledger.modelled then 0 when ledger.kind = 'revenue' then ledger.amount_report
                        when ledger.kind = 'refund' then -ledger.amount_report else 0
                    end)
        end as excluded_revenue,
        case
            when bool_and(ledger.amount_report is not null or ledger.kind <> 'media_spend')
                then
                    sum(case ledger.kind when 'media_spend' then ledger.amount_report else 0 end)
        end as ledger_spend,
        case
            when bool_and(ledger.amount_report is not null or ledger.kind <> 'accrual')
                then
                    sum(case ledger.kind when 'accrual' then ledger.amount_report else 0 end)
        end as accrued_spend
    from {{ ref('ledger_period') }} as ledger
    where ledger.kind in ('revenue', 'refund', 'media_spend', 'accrual')
    group by ledger.period
),

seen as (
    select
        strftime(outcomes.day, '%Y-%m') as period,
        case when count(outcomes.revenue_report) = count(outcomes.revenue) then sum(outcomes.revenue_report) end as kpi_revenue
    from {{ ref('kpi_day') }} as outcomes
    inner join current_run on outcomes.kpi = current_run.kpi
    group by strftime(outcomes.day, '%Y-%m')
),

bought as (
    select
        strftime(spent.period_start, '%Y-%m') as period,
        case when bool_and(spent.priced) then sum(spent.spend) end as platform_spend
    from {{ ref('channel_period_spend') }} as spent
    where spent.period_kind = 'month' and spent.cost_type = 'media'
    group by spent.period_start
),

periods as (
    select booked.period from booked
    union
    select seen.period from seen
    union
    select bought.period from bought
)

select
    periods.period,
    current_run.report_currency as currency,
    cast(booked.booked_revenue as decimal(18, 2)) as booked_revenue,
    cast(booked.excluded_revenue as decimal(18, 2)) as excluded_revenue,
    cast(booked.booked_revenue - booked.excluded_revenue as decimal(18, 2)) as modelled_revenue,
    cast(seen.kpi_revenue as decimal(18, 2)) as kpi_revenue,
    cast(booked.booked_revenue - booked.excluded_revenue - seen.kpi_revenue as decimal(18, 2)) as gap,
    cast(booked.ledger_spend as decimal(18, 2)) as ledger_spend,
    cast(booked.accrued_spend as decimal(18, 2)) as accrued_spend,
    cast(bought.platform_spend as decimal(18, 2)) as platform_spend,
    cast(booked.ledger_spend + booked.accrued_spend - bought.platform_spend as decimal(18, 2)) as spend_gap
from periods
cross join current_run
left join booked on periods.period = booked.period
left join seen on periods.period = seen.period
left join bought on periods.period = bought.period
