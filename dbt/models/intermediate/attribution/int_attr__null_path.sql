-- Journeys that ended in nothing: touches since a unit's last conversion of a stage, then silence for a whole window.
-- Stages of deals are converted by accounts, so visitors without an account are no lost deal.
-- More recent journeys are censored: how they end is not known yet.
with stages as (
    select
        units.stage,
        max(units.window_microseconds) as window_microseconds
    from {{ ref('int_attr__unit') }} as units
    group by units.stage
),

unit_touches as (
    select
        stages.stage,
        stages.window_microseconds,
        case
            when stages.stage in ('order', 'lead') then touches.person_key
            else touches.account_key
        end as unit_key,
        touches.touch_id,
        touches.channel,
        touches.occurred_at
    from {{ ref('touch') }} as touches
    cross join stages
    where stages.stage in ('order', 'lead') or touches.account_key is not null
),

last_conversions as (
    select
        units.stage,
        units.unit_key,
        max(units.occurred_at) as converted_at
    from {{ ref('int_attr__unit') }} as units
    group by units.stage, units.unit_key
),

open_touches as (
    select
        unit_touches.*,
        max(unit_touches.occurred_at) over (partition by unit_touches.stage, unit_touches.unit_key) as last_touch_at
    from unit_touches
    left join last_conversions
        on unit_touches.stage = last_conversions.stage and unit_touches.unit_key = last_conversions.unit_key
    where last_conversions.converted_at is null or unit_touches.occurred_at > last_conversions.converted_at
)

select
    open_touches.stage,
    open_touches.unit_key,
    open_touches.touch_id,
    open_touches.channel,
    open_touches.occurred_at,
    {{ microseconds_between('open_touches.last_touch_at', 'current_run.as_of') }}
    < open_touches.window_microseconds as is_censored
from open_touches
cross join {{ ref('int_base__current_run') }} as current_run
where
    {{ microseconds_between('open_touches.occurred_at', 'open_touches.last_touch_at') }} <= open_touches.window_microseconds
