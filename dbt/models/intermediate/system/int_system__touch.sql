-- How often a person took up a piece: events of one person at most 30 minutes apart are one touch.
with gaps as (
    select
        events.content_id,
        events.occurred_at,
        lag(events.occurred_at) over (
            partition by events.content_id, events.actor_id order by events.occurred_at, events.event_id
        ) as previous_at
    from {{ ref('stg_content__event') }} as events
    where
        events.actor_type in ('human', 'person')
        and events.content_id is not null
        and events.actor_id is not null
)

select
    gaps.content_id,
    count(case when gaps.previous_at is null or gaps.occurred_at > gaps.previous_at + interval 30 minute then 1 end)
        as touches
from gaps
group by gaps.content_id
