-- Panels that came with a test, one row an experiment, geo and day.
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
