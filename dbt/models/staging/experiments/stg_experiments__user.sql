-- Users of an A/B test with what they did: the newest delivery of each user and arm.
with ranked as (
    {{ ranked_deliveries(source('raw', 'experiments__user'), ['experiment_id', 'user_key', 'arm']) }}
)

select
    ranked.experiment_id,
    ranked.user_key,
    ranked.arm,
    coalesce(ranked.stratum, '') as stratum,
    ranked.value,
    ranked.denominator,
    ranked.covariate,
    ranked.covariate_denominator,
    ranked.assigned_at
from ranked
where ranked.recency = 1
