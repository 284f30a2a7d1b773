-- Which kinds of task may be left to the agents, as known at the end of each week: at least 20 decided pieces, the Wilson
-- lower bound (z = 1.645) of their first-hit rate at 0.90 or more, no critical incident within 90 days.
with weeks as (
    select distinct cast(date_trunc('week', events.occurred_at) as date) as week
    from {{ ref('stg_content__event') }} as events
),

kinds as (
    select
        weeks.week,
        lives.task_kind,
        cast(count(case when lives.by_agent then 1 end) as double) as n,
        cast(count(case when lives.by_agent and lives.is_first_hit then 1 end) as double) as hits,
        sum(lives.human_minutes) as human_minutes,
        max(lives.critical_at) as critical_at
    from weeks
    inner join {{ ref('int_system__content_life') }} as lives on lives.decided_at < weeks.week + 7
    group by weeks.week, lives.task_kind
),

bounded as (
    select
        kinds.*,
        case
            when kinds.n > 0
                then
                    (
                        kinds.hits / kinds.n + cast(1.353013 as double) / kinds.n
                        - cast(1.645 as double) * sqrt(
                            kinds.hits / kinds.n * (1 - kinds.hits / kinds.n) / kinds.n
                            + cast(0.676506 as double) / (kinds.n * kinds.n)
                        )
                    ) / (1 + cast(2.706025 as double) / kinds.n)
        end as lower_bound
    from kinds
)

select
    bounded.week,
    bounded.task_kind,
    bounded.n,
    bounded.hits,
    bounded.lower_bound,
    bounded.human_minutes,
    bounded.n >= 20
    and bounded.lower_bound >= cast(0.9 as double)
    and coalesce(bounded.critical_at < bounded.week - interval 83 day, true) as is_delegable
from bounded
