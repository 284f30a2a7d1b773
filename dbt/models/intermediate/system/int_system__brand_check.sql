-- The brand rules as last checked before release, of pieces that were published.
with ranked as (
    select
        events.content_id,
        {{ payload_number('events.payload', 'passed') }} as passed,
        coalesce({{ payload_number('events.payload', 'applicable') }}, 1) as applicable,
        coalesce({{ payload_number('events.payload', 'weight') }}, 1) as weight,
        row_number() over (
            partition by events.content_id, {{ payload_text('events.payload', 'rule') }}
            order by events.occurred_at desc, events.event_id desc
        ) as recency
    from {{ ref('stg_content__event') }} as events
    inner join {{ ref('int_system__content_life') }} as lives on events.content_id = lives.content_id
    where
        events.type = 'brand_check'
        and events.occurred_at <= lives.published_at
        and {{ payload_number('events.payload', 'passed') }} is not null
)

select
    ranked.content_id,
    sum(ranked.passed * ranked.weight) as passed,
    sum(ranked.applicable * ranked.weight) as applicable
from ranked
where ranked.recency = 1
group by ranked.content_id
