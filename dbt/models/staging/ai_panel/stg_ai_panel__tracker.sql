-- Rates that paid trackers export: the newest delivery of each day, engine, brand, question and measure.
with ranked as (
    {{ ranked_deliveries(
        source('raw', 'ai_tracker'), ['tracker', 'day', 'engine', 'surface', 'brand', 'prompt_id', 'measure']
    ) }}
)

select
    ranked.tracker,
    ranked.day,
    ranked.engine,
    ranked.surface,
    ranked.brand,
    ranked.prompt_id,
    ranked.measure,
    ranked.numerator,
    ranked.denominator,
    ranked.value
from ranked
where ranked.recency = 1 and ranked.day <= {{ as_of_day() }}
