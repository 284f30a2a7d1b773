-- Every test, declared or read elsewhere; one without a value is to be read from its panel or users.
with rounded as (
    select
        results.*,
        case round(coalesce(results.level, 0.9), 2)
            when 0.8 then 1.2815515655446004
            when 0.9 then 1.6448536269514722
            when 0.95 then 1.959963984540054
            when 0.99 then 2.5758293035489004
        end as normal_quantile
    from {{ ref('stg_experiments__result') }} as results
)

select
    rounded.experiment_id,
    coalesce(
        rounded.estimand,
        case when current_run.kpi = 'revenue' then 'incremental_revenue' else 'incremental_kpi' end
    ) as estimand,
    {{ name_list('rounded.channels') }} as channels,
    {{ name_list('rounded.geos') }} as geos,
    rounded.design,
    rounded.start_day,
    rounded.end_day,
    coalesce(rounded.cooldown_end, rounded.end_day) as cooldown_end,
    rounded.value,
    coalesce(rounded.se, (rounded.high - rounded.low) / (cast(2 as double) * rounded.normal_quantile)) as se,
    rounded.low,
    rounded.high,
    coalesce(rounded.level, cast(0.9 as double)) as level,
    cast(rounded.spend_treated as double) as spend_treated,
    cast(rounded.spend_control as double) as spend_control,
    coalesce(rounded.currency, current_run.report_currency) as currency,
    coalesce(rounded.kpi, current_run.kpi) as kpi,
    coalesce(rounded.control_arm, case when rounded.design = 'ab' then 'control' end) as control_arm,
    rounded.split,
    rounded.planned_users,
    rounded.value is null as declared,
    rounded.delivered_at
from rounded
cross join {{ ref('int_base__current_run') }} as current_run
