-- How well people and agents work together, week by week; a figure that the log does not allow is null.
with weeks as (
    select distinct cast(date_trunc('week', events.occurred_at) as date) as week
    from {{ ref('stg_content__event') }} as events
)

select
    weeks.week,
    max(case when metrics.metric = 'cycle_time' then metrics.value end) as cycle_time,
    max(case when metrics.metric = 'first_hit_rate' then metrics.value end) as first_hit_rate,
    max(case when metrics.metric = 'correction_loops' then metrics.value end) as correction_loops,
    max(case when metrics.metric = 'brand_consistency' then metrics.value end) as brand_consistency,
    max(case when metrics.metric = 'learning_speed' then metrics.value end) as learning_speed,
    max(case when metrics.metric = 'delegable_share' then metrics.value end) as delegable_share,
    max(case when metrics.metric = 'edit_ratio' then metrics.value end) as edit_ratio
from weeks
left join {{ ref('operating_week') }} as metrics on weeks.week = metrics.week
group by weeks.week
