-- How much of the draft people changed: the agent's last version before a person's first edit, beside the published text.
-- Where the log lacks one of the texts, the share that the last approval states, if it is one.
with people as (
    select
        events.content_id,
        min(events.occurred_at) as edited_at
    from {{ ref('stg_content__event') }} as events
    where events.actor_type in ('human', 'person') and events.type in ('draft_ready', 'edited')
    group by events.content_id
),

texts as (
    select
        events.content_id,
        arg_max({{ payload_text('events.payload', 'text') }}, events.occurred_at) filter (
            where events.type = 'draft_ready'
            and events.actor_type = 'agent'
            and events.occurred_at < coalesce(people.edited_at, timestamp '9999-12-31')
            and {{ payload_text('events.payload', 'text') }} is not null
        ) as draft,
        arg_min({{ payload_text('events.payload', 'text') }}, events.occurred_at) filter (
            where events.type = 'published' and {{ payload_text('events.payload', 'text') }} is not null
        ) as final
    from {{ ref('stg_content__event') }} as events
    left join people on events.content_id = people.content_id
    where events.content_id is not null and events.type in ('draft_ready', 'published')
    group by events.content_id
),

stated as (
    select
        events.content_id,
        arg_max({{ payload_number('events.payload', 'edit_ratio') }}, events.occurred_at) as edit_ratio
    from {{ ref('stg_content__event') }} as events
    where events.type = 'approved' and {{ payload_number('events.payload', 'edit_ratio') }} between 0 and 1
    group by events.content_id
),

computed as (
    select
        texts.content_id,
        edit_ratio(texts.draft, texts.final) as edit_ratio
    from texts
    where texts.draft is not null and texts.final is not null
)

select
    coalesce(computed.content_id, stated.content_id) as content_id,
    coalesce(computed.edit_ratio, stated.edit_ratio) as edit_ratio,
    case when computed.content_id is not null then 'texts' else 'stated' end as edit_basis
from computed
full outer join stated on computed.content_id = stated.content_id
