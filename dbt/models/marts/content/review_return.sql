-- Drafts that came back from a person's review, with the reason as the log says it; corrections that repeat become rules.
select
    events.event_id,
    events.content_id,
    pieces.channel,
    events.occurred_at,
    events.actor_id as reviewer,
    lower(trim({{ payload_text('events.payload', 'reason_class') }})) as reason
from {{ ref('stg_content__event') }} as events
left join {{ ref('stg_content__piece') }} as pieces on events.content_id = pieces.content_id
where events.type = 'review_returned' and events.actor_type in ('human', 'person')
