-- The life of a piece of content: brief, first decision, number of returns, publication.
with lives as (
    select
        events.content_id,
        min(case when events.type = 'brief_created' then events.occurred_at end) as briefed_at,
        min(case when events.type = 'published' then events.occurred_at end) as published_at,
        min(case when events.type in ('approved', 'review_returned') then events.occurred_at end) as decided_at,
        min(case when events.type = 'approved' then events.occurred_at end) as approved_at,
        min(case when events.type = 'review_returned' then events.occurred_at end) as returned_at,
        count(case when events.type = 'review_returned' then 1 end) as returns,
        bool_or(events.type = 'draft_ready' and events.actor_type = 'agent') as drafted_by_agent,
        sum(
            case when events.actor_type in ('human', 'person') then {{ payload_number('events.payload', 'human_minutes') }} end
        ) as human_minutes,
        max(case
            when events.type = 'problem_detected' and lower({{ payload_text('events.payload', 'severity') }}) = 'critical'
                then events.occurred_at
        end) as critical_at
    from {{ ref('stg_content__event') }} as events
    where events.content_id is not null
    group by events.content_id
)

select
    lives.content_id,
    coalesce(pieces.format, '(none)') as task_kind,
    lives.briefed_at,
    lives.published_at,
    lives.decided_at,
    lives.returns,
    lives.approved_at is not null and (lives.returned_at is null or lives.approved_at < lives.returned_at) as is_first_hit,
    lives.drafted_by_agent or coalesce(pieces.author_type = 'agent', false) as by_agent,
    lives.human_minutes,
    lives.critical_at
from lives
left join {{ ref('stg_content__piece') }} as pieces on lives.content_id = pieces.content_id
