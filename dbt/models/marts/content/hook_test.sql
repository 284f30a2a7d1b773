-- Results of variants that ran side by side under one brief, one row per variant, channel and week, from the newest delivery.
with outcomes as (
    select
        events.event_id,
        events.occurred_at,
        coalesce({{ payload_text('events.payload', 'brief_id') }}, pieces.brief_id) as brief,
        coalesce({{ payload_text('events.payload', 'variant_id') }}, pieces.variant_id) as variant,
        coalesce({{ payload_text('events.payload', 'channel') }}, pieces.channel) as channel,
        {{ payload_text('events.payload', 'week') }} as delivered_week,
        {{ payload_number('events.payload', 'trials') }} as trials,
        {{ payload_number('events.payload', 'successes') }} as successes,
        {{ payload_number('events.payload', 'value') }} as value
    from {{ ref('stg_content__event') }} as events
    left join {{ ref('stg_content__piece') }} as pieces on events.content_id = pieces.content_id
    where events.type in ('outcome_closed', 'variant_result')
),

dated as (
    select
        outcomes.*,
        cast(date_trunc('week', coalesce(
            try_cast(outcomes.delivered_week as date),
            cast(try_strptime(outcomes.delivered_week || '-1', '%G-W%V-%u') as date),
            cast(outcomes.occurred_at as date)
        )) as date) as week
    from outcomes
    where outcomes.trials is not null and outcomes.successes is not null
),

ranked as (
    select
        dated.*,
        row_number() over (
            partition by dated.brief, dated.variant, dated.channel, dated.week
            order by dated.occurred_at desc, dated.event_id desc
        ) as recency
    from dated
    where dated.brief is not null and dated.variant is not null
)

select
    ranked.brief,
    ranked.variant,
    coalesce(ranked.channel, '(none)') as channel,
    ranked.week,
    cast(ranked.trials as bigint) as trials,
    cast(ranked.successes as bigint) as successes,
    ranked.value,
    coalesce(receipts.unanswered, 0) = 0 and coalesce(audiences.audiences, 1) = 1 as is_learnable
from ranked
left join {{ ref('int_content__brief_receipts') }} as receipts on ranked.brief = receipts.brief
left join {{ ref('int_content__brief_audience') }} as audiences on ranked.brief = audiences.brief
where ranked.recency = 1
