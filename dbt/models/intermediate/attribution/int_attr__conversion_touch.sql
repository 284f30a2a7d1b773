-- Touches that a conversion may be credited to: 0 to the window's length before it in exact time, after the unit's last
-- conversion of the same stage. Colleagues who follow one campaign on one day are one touch of their account.
with members as (
    select
        units.conversion_id,
        units.person_key
    from {{ ref('int_attr__unit') }} as units
    where units.stage in ('order', 'lead') and units.person_key is not null
    union all
    select
        units.conversion_id,
        people.person_key
    from {{ ref('int_attr__unit') }} as units
    inner join {{ ref('int_crm__opportunity_person') }} as people on units.opportunity_id = people.opportunity_id
    where units.stage not in ('order', 'lead')
),

within_window as (
    select
        units.conversion_id,
        units.stage,
        touches.touch_id,
        touches.channel,
        touches.occurred_at,
        {{ microseconds_between('touches.occurred_at', 'units.occurred_at') }} as microseconds_before,
        touches.is_direct,
        touches.is_paid,
        case
            when units.stage in ('order', 'lead') then 1
            else row_number() over (
                partition by
                    units.conversion_id, touches.day, touches.channel, touches.source, touches.medium, touches.campaign
                order by touches.occurred_at, touches.touch_id
            )
        end as copy
    from {{ ref('int_attr__unit') }} as units
    inner join members on units.conversion_id = members.conversion_id
    inner join {{ ref('touch') }} as touches on members.person_key = touches.person_key
    where
        {{ microseconds_between('touches.occurred_at', 'units.occurred_at') }} between 0 and units.window_microseconds
        and (units.previous_at is null or touches.occurred_at > units.previous_at)
)

select
    within_window.conversion_id,
    within_window.stage,
    within_window.touch_id,
    within_window.channel,
    within_window.occurred_at,
    within_window.microseconds_before,
    within_window.is_direct,
    within_window.is_paid,
    row_number() over (
        partition by within_window.conversion_id order by within_window.occurred_at, within_window.touch_id
    ) as position,
    count(*) over (partition by within_window.conversion_id) as path_length
from within_window
where within_window.copy = 1
