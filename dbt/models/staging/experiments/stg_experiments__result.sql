-- Tests as declared or as read elsewhere: the newest delivery of each experiment and estimand.
with ranked as (
    {{ ranked_deliveries(source('raw', 'experiments'), ['experiment_id', 'estimand']) }}
)

select
    ranked.experiment_id,
    ranked.estimand,
    ranked.channels,
    ranked.design,
    ranked.geos,
    ranked.start_day,
    ranked.end_day,
    ranked.cooldown_end,
    ranked.value,
    ranked.low,
    ranked.high,
    ranked.level,
    ranked.se,
    ranked.spend_treated,
    ranked.spend_control,
    ranked.currency,
    ranked.kpi,
    ranked.step,
    ranked.note,
    ranked.control_arm,
    ranked.split,
    ranked.planned_users,
    ranked._delivered_at as delivered_at
from ranked
where ranked.recency = 1
