-- How well people and agents work together, week by week; a figure that the log does not allow is null.
with events as (
    select
        events.*,
        cast(date_trunc('week', events.occurred_at) as date) as week
    from {{ ref('stg_content__event') }} as events
),

weeks as (
    select distinct events.week from events
),

finished as (
    select
        cast(date_trunc('week', lives.published_at) as date) as week,
        median({{ microseconds_between('lives.briefed_at', 'lives.published_at') }} / cast(86400000000 as double)) as cycle_time
    from {{ ref('int_system__content_life') }} as lives
    where lives.published_at >= lives.briefed_at
    group by cast(date_trunc('week', lives.published_at) as date)
),

decided as (
    select
        cast(date_trunc('week', lives.decided_at) as date) as week,
        avg(case when lives.is_first_hit then cast(1 as double) else cast(0 as double) end) as first_hit_rate,
        avg(cast(lives.returns as double)) as correction_loops
    from {{ ref('int_system__content_life') }} as lives
    where lives.decided_at is not null
    group by cast(date_trunc('week', lives.decided_at) as date)
),

checked as (
    select
        events.week,
        sum({{ payload_number('events.payload', 'passed') }} * coalesce({{ payload_number('events.payload', 'weight') }}, 1))
            as passed,
        sum(
            coalesce({{ payload_number('events.payload', 'applicable') }}, 1)
            * coalesce({{ payload_number('events.payload', 'weight') }}, 1)
        ) as applicable
    from events
    where events.type = 'brand_check' and {{ payload_number('events.payload', 'passed') }} is not null
    group by events.week
),

edited as (
    select
        events.week,
        median({{ payload_number('events.payload', 'edit_ratio') }}) as edit_ratio
    from events
    where events.type = 'approved'
    group by events.week
),

patterns as (
    select
        {{ payload_text('events.payload', 'pattern_id') }} as pattern_id,
        min(case when events.type = 'evidence_closed' then events.occurred_at end) as closed_at,
        min(case when events.type = 'pattern_applied' then events.occurred_at end) as applied_at,
        bool_or(events.type = 'pattern_promoted') as is_promoted
    from events
    where events.type in ('evidence_closed', 'pattern_applied', 'pattern_promoted')
    group by {{ payload_text('events.payload', 'pattern_id') }}
),

learned as (
    select
        cast(date_trunc('week', patterns.applied_at) as date) as week,
        median({{ microseconds_between('patterns.closed_at', 'patterns.applied_at') }} / cast(86400000000 as double))
            as learning_speed
    from patterns
    where patterns.is_promoted and patterns.pattern_id is not null and patterns.applied_at >= patterns.closed_at
    group by cast(date_trunc('week', patterns.applied_at) as date)
),

delegated as (
    select
        kinds.week,
        sum(case when kinds.is_delegable then kinds.human_minutes else 0 end)
        / nullif(sum(kinds.human_minutes), 0) as delegable_share
    from {{ ref('int_system__delegable_week') }} as kinds
    group by kinds.week
)

select
    weeks.week,
    finished.cycle_time,
    decided.first_hit_rate,
    decided.correction_loops,
    checked.passed / nullif(checked.applicable, 0) as brand_consistency,
    learned.learning_speed,
    delegated.delegable_share,
    edited.edit_ratio
from weeks
left join finished on weeks.week = finished.week
left join decided on weeks.week = decided.week
left join checked on weeks.week = checked.week
left join learned on weeks.week = learned.week
left join edited on weeks.week = edited.week
left join delegated on weeks.week = delegated.week
