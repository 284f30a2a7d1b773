-- What each rule gives each channel, over the whole window and per fiscal quarter, in report currency. It says how the
-- rule splits what tracking saw, not what the channel caused.
with dated as (
    select
        credits.model,
        credits.stage,
        credits.channel,
        {{ fiscal_quarter('credits.day', 'current_run.year_starts_in_month') }} as quarter,
        credits.credit,
        credits.amount_report
    from {{ ref('attribution_credit') }} as credits
    cross join {{ ref('int_base__current_run') }} as current_run
),

periods as (
    select
        dated.model,
        dated.stage,
        dated.channel,
        'window' as period,
        dated.credit,
        dated.amount_report
    from dated
    union all
    select
        dated.model,
        dated.stage,
        dated.channel,
        dated.quarter as period,
        dated.credit,
        dated.amount_report
    from dated
)

select
    periods.model,
    periods.stage,
    periods.channel,
    periods.period,
    -- Rounded, because a sum of fractions otherwise ends in digits that depend on the order in which threads added them.
    round(cast(sum(periods.credit) as double), 9) as conversions,
    cast(sum(periods.amount_report) as decimal(38, 2)) as amount
from periods
group by periods.model, periods.stage, periods.channel, periods.period
