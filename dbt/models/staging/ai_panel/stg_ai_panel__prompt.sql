-- Questions that are put to AI engines; a prompt without engine goes to all of them.
with ranked as (
    {{ ranked_deliveries(source('raw', 'ai_panel'), ['prompt_id', 'engine', 'surface', 'locale']) }}
)

select
    ranked.prompt_id,
    ranked.prompt_text,
    ranked.intent,
    ranked.engine,
    ranked.surface,
    ranked.locale,
    ranked.topic,
    coalesce(ranked.is_core, true) as is_core,
    coalesce(ranked.weight, cast(1 as double)) as weight
from ranked
where ranked.recency = 1
