-- The panel of every test: as delivered, else cut from the outcome and the media spend of the tested channels (fees and
-- other costs do not change with a test), with up to a year before the start. Only geos that have an outcome enter;
-- `all` is no geo.
with ranked as (
    select
        results.*,
        row_number() over (
            partition by results.experiment_id order by results.declared desc, results.estimand
        ) as choice
    from {{ ref('experiment') }} as results
),

tests as (
    select
        ranked.experiment_id,
        ranked.kpi,
        ranked.geos,
        ranked.channels,
        ranked.declared,
        ranked.start_day,
        ranked.end_day,
        ranked.cooldown_end
    from ranked
    where ranked.choice = 1
),

delivered as (
    select
        panel.experiment_id,
        panel.geo,
        panel.day,
        panel.kpi,
        cast(panel.spend as double) as spend,
        coalesce(panel.arm, case when list_contains(tests.geos, panel.geo) then 'treatment' else 'control' end) as arm,
        coalesce(panel.period, {{ test_period('panel.day', 'tests') }}) as period
    from {{ ref('stg_experiments__panel') }} as panel
    left join tests on panel.experiment_id = tests.experiment_id
),

spent as (
    select
        tests.experiment_id,
        lines.geo,
        lines.day,
        sum(lines.spend) as spend
    from tests
    inner join {{ ref('channel_spend_day') }} as lines
        on
            list_contains(tests.channels, lines.channel)
            and lines.cost_type = 'media'
            and lines.day between tests.start_day - 365 and tests.cooldown_end
    group by tests.experiment_id, lines.geo, lines.day
),

cut as (
    select
        tests.experiment_id,
        outcomes.geo,
        outcomes.day,
        cast(
            case when tests.kpi = 'revenue' then coalesce(outcomes.revenue_report, outcomes.value) else outcomes.value end
            as double
        ) as kpi,
        cast(coalesce(spent.spend, 0) as double) as spend,
        case when list_contains(tests.geos, outcomes.geo) then 'treatment' else 'control' end as arm,
        {{ test_period('outcomes.day', 'tests') }} as period
    from tests
    inner join {{ ref('kpi_day') }} as outcomes
        on
            tests.kpi = outcomes.kpi
            and outcomes.day between tests.start_day - 365 and tests.cooldown_end
            and outcomes.geo <> 'all'
            and outcomes.grain = 'day'
    left join spent
        on
            tests.experiment_id = spent.experiment_id
            and outcomes.geo = spent.geo
            and outcomes.day = spent.day
    where
        tests.declared
        and len(tests.geos) > 0
        and tests.experiment_id not in (select panel.experiment_id from {{ ref('stg_experiments__panel') }} as panel)
)

select
    rows_of_panel.experiment_id,
    rows_of_panel.geo,
    rows_of_panel.day,
    rows_of_panel.kpi,
    rows_of_panel.spend,
    rows_of_panel.arm,
    rows_of_panel.period
from (
    select
        delivered.experiment_id,
        delivered.geo,
        delivered.day,
        delivered.kpi,
        delivered.spend,
        delivered.arm,
        delivered.period
    from delivered
    union all
    select
        cut.experiment_id,
        cut.geo,
        cut.day,
        cut.kpi,
        cut.spend,
        cut.arm,
        cut.period
    from cut
) as rows_of_panel
