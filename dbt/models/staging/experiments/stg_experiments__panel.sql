-- Panels delivered with a test, one row per experiment, geo and day.
with ranked as (
    {{ ranked_deliveries(source('raw', 'experiments__panel'), ['experiment_id', 'geo', 'day']) }}
)

select
    ranked.experiment_id,
    ranked.geo,
    ranked.day,
    ranked.kpi,
    ranked.revenue,
    ranked.spend,
    ranked.arm,
    ranked.period
from ranked
where ranked.recency = 1
