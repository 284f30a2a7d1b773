-- Sums of an A/B test's arms as delivered: the newest delivery of each arm and stratum.
with ranked as (
    {{ ranked_deliveries(source('raw', 'experiments__arm'), ['experiment_id', "coalesce(stratum, '')", 'arm']) }}
)

select
    ranked.experiment_id,
    coalesce(ranked.stratum, '') as stratum,
    ranked.arm,
    ranked.n,
    ranked.sum,
    ranked.sum_sq,
    ranked.den_sum,
    ranked.den_sum_sq,
    ranked.num_den_sum,
    ranked.cov_n,
    ranked.cov_sum,
    ranked.cov_sum_sq,
    ranked.cross_sum,
    ranked.covden_sum,
    ranked.covden_sum_sq,
    ranked.num_covden_sum,
    ranked.den_cov_sum,
    ranked.den_covden_sum,
    ranked.cov_covden_sum,
    ranked.buyers,
    ranked.sum_cu
from ranked
where ranked.recency = 1
