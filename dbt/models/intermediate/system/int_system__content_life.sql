-- The life of a piece of content: brief, first decision, number of returns, and how it ended by today.
-- A piece ends once, published or killed, whichever came first; what is neither is open.
with moments as (
    select
        events.content_id,
        min(case when events.type = 'brief_created' then events.occurred_at end) as briefed_at,
        min(case when events.type = 'published' then events.occurred_at end) as published_at,
        min(case when events.type in ('killed', 'withdrawn') then events.occurred_at end) as killed_at,
        min(case when events.type in ('approved', 'review_returned') then events.occurred_at end) as decided_at,
        min(case when events.type = 'approved' then events.occurred_at end) as approved_at,
        min(case when events.type = 'review_returned' then events.occurred_at end) as returned_at,
        max(case when events.type = 'approved' then events.occurred_at end) as last_approved_at,
        max(case when events.type = 'review_returned' then events.occurred_at end) as last_returned_at,
        bool_or(events.type = 'draft_ready' and events.actor_type = 'agent') as drafted_by_agent,
        max(case when events.type = 'brief_created' then {{ payload_text('events.payload', 'brief_id') }} end) as brief_id,
        max(case when events.type = 'brief_created' then {{ payload_text('events.payload', 'task_kind') }} end) as task_kind,
        max(case when events.type = 'brief_created' then {{ payload_text('events.payload', 'channel') }} end) as channel,
        sum(
            case when events.actor_type in ('human', 'person') then {{ payload_number('events.payload', 'human_minutes') }} end
        ) as human_minutes,
        sum({{ payload_number('events.payload', 'tokens') }}) as tokens,
        max(case
            when events.type = 'problem_detected' and lower({{ payload_text('events.payload', 'severity') }}) = 'critical'
                then events.occurred_at
        end) as critical_at
    from {{ ref('stg_content__event') }} as events
    where events.content_id is not null
    group by events.content_id
),

after_publication as (
    select
        events.content_id,
        count(case when events.type = 'review_returned' and events.occurred_at <= moments.published_at then 1 end)
            as returns_before,
        bool_or(
            events.type in ('corrected', 'problem_detected')
            and events.occurred_at >= moments.published_at
            and events.occurred_at < moments.published_at + interval 28 day
        ) as is_corrected,
        arg_min(
            case events.actor_type when 'human' then 'person' when 'system' then 'rule' else events.actor_type end,
            events.occurred_at
        ) filter (where events.type in ('killed', 'withdrawn')) as killed_by
    from {{ ref('stg_content__event') }} as events
    inner join moments on events.content_id = moments.content_id
    group by events.content_id
),

returned as (
    select
        events.content_id,
        count(*) as returns
    from {{ ref('stg_content__event') }} as events
    where events.type = 'review_returned' and events.content_id is not null
    group by events.content_id
)

select
    moments.content_id,
    coalesce(pieces.brief_id, moments.brief_id) as brief_id,
    coalesce(pieces.format, moments.task_kind, '(none)') as task_kind,
    coalesce(pieces.channel, moments.channel) as channel,
    moments.briefed_at,
    moments.published_at,
    moments.decided_at,
    case when moments.published_at is null then coalesce(returned.returns, 0) else later.returns_before end as returns,
    coalesce(moments.last_approved_at > moments.last_returned_at, moments.last_approved_at is not null)
    or moments.killed_at is not null or moments.published_at is not null as review_closed,
    moments.approved_at is not null and (moments.returned_at is null or moments.approved_at < moments.returned_at)
        as is_first_hit,
    moments.drafted_by_agent or coalesce(pieces.author_type = 'agent', false) as by_agent,
    case
        when moments.published_at <= coalesce(moments.killed_at, moments.published_at) then 'published'
        when moments.killed_at is not null then 'killed'
        else 'open'
    end as ending,
    least(moments.published_at, moments.killed_at) as ended_at,
    case when moments.killed_at < coalesce(moments.published_at, timestamp '9999-12-31') then later.killed_by end as killed_by,
    -- Known once its four weeks are over: followed for less time, newer pieces would look better than older ones.
    case when moments.published_at + interval 28 day <= {{ as_of() }} then later.is_corrected end as is_corrected,
    moments.human_minutes,
    moments.tokens,
    moments.critical_at
from moments
left join after_publication as later on moments.content_id = later.content_id
left join returned on moments.content_id = returned.content_id
left join {{ ref('stg_content__piece') }} as pieces on moments.content_id = pieces.content_id
