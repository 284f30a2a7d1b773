-- What else happened on a day: prices, promotions, stock-outs, competitors, weather.
with ranked as (
    {{ ranked_deliveries(source('raw', 'context'), ['day', 'geo', 'name']) }}
)

select
    ranked.day,
    coalesce(ranked.grain, 'day') as grain,
    ranked.geo,
    ranked.name,
    ranked.value,
    ranked.role,
    ranked._delivered_at as delivered_at
from ranked
where ranked.recency = 1
