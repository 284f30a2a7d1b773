-- What a scorer said about a variant before it was launched, beside its live result. A score dated after the launch is no
-- forecast: it is refused and counted.
with scored as (
    select
        events.content_id,
        lower({{ payload_text('events.payload', 'scorer') }}) as scorer,
        {{ payload_number('events.payload', 'score') }} as score,
        coalesce(events.occurred_at < lives.published_at, lives.published_at is null) as is_forecast,
        row_number() over (
            partition by events.content_id, lower({{ payload_text('events.payload', 'scorer') }})
            order by events.occurred_at, events.event_id
        ) as scoring
    from {{ ref('stg_content__event') }} as events
    inner join {{ ref('int_system__content_life') }} as lives on events.content_id = lives.content_id
    where events.type = 'scored' and {{ payload_number('events.payload', 'score') }} is not null
),

forecasts as (
    select
        scored.content_id,
        coalesce(scored.scorer, '(none)') as scorer,
        max(case when scored.scoring = 1 and scored.is_forecast then scored.score end) as score,
        max(case when scored.scoring = 2 and scored.is_forecast then scored.score end) as second_score,
        count(case when not scored.is_forecast then 1 end) as refused
    from scored
    group by scored.content_id, coalesce(scored.scorer, '(none)')
),

results as (
    select
        tests.brief,
        tests.variant,
        cast(sum(tests.trials) as double) as trials,
        cast(sum(tests.successes) as double) as successes
    from {{ ref('hook_test') }} as tests
    group by tests.brief, tests.variant
)

select
    forecasts.scorer,
    forecasts.content_id,
    coalesce(pieces.brief_id, lives.brief_id) as brief,
    pieces.variant_id as variant,
    forecasts.score,
    forecasts.second_score,
    cast(forecasts.refused as bigint) as refused,
    ln((results.successes + 0.5) / (results.trials - results.successes + 0.5)) as live,
    sqrt(1 / (results.successes + 0.5) + 1 / (results.trials - results.successes + 0.5)) as live_se
from forecasts
inner join {{ ref('int_system__content_life') }} as lives on forecasts.content_id = lives.content_id
left join {{ ref('stg_content__piece') }} as pieces on forecasts.content_id = pieces.content_id
left join results on pieces.brief_id = results.brief and pieces.variant_id = results.variant and results.trials > 0
