-- Sufficient statistics of an A/B test's users, none of them about a single user: counts, sums and sums of products per arm.
-- Users are DECIMAL, so that the sums are exact and the same in every run; delivered sums are used where no users came.
with placed as (
    select
        users.*,
        count(*) over (partition by users.experiment_id, users.user_key) as arms
    from {{ ref('stg_experiments__user') }} as users
),

summed as (
    select
        placed.experiment_id,
        placed.stratum,
        placed.arm,
        count(*) filter (where placed.arms = 1) as n,
        count(*) filter (where placed.arms > 1) as crossed,
        {{ user_sum('value') }} as sum,
        {{ user_sum('value', 'value') }} as sum_sq,
        {{ user_sum('denominator') }} as den_sum,
        {{ user_sum('denominator', 'denominator') }} as den_sum_sq,
        {{ user_sum('value', 'denominator') }} as num_den_sum,
        nullif(count(placed.covariate) filter (where placed.arms = 1), 0) as cov_n,
        {{ user_sum('covariate') }} as cov_sum,
        {{ user_sum('covariate', 'covariate') }} as cov_sum_sq,
        {{ user_sum('value', 'covariate') }} as cross_sum,
        {{ user_sum('covariate_denominator') }} as covden_sum,
        {{ user_sum('covariate_denominator', 'covariate_denominator') }} as covden_sum_sq,
        {{ user_sum('value', 'covariate_denominator') }} as num_covden_sum,
        {{ user_sum('denominator', 'covariate') }} as den_cov_sum,
        {{ user_sum('denominator', 'covariate_denominator') }} as den_covden_sum,
        {{ user_sum('covariate', 'covariate_denominator') }} as cov_covden_sum,
        {{ user_buyers() }} as buyers,
        {{ user_cubes() }} as sum_cu
    from placed
    group by placed.experiment_id, placed.stratum, placed.arm
)

select
    summed.experiment_id,
    summed.stratum,
    summed.arm,
    summed.n,
    summed.crossed,
    summed.sum,
    summed.sum_sq,
    summed.den_sum,
    summed.den_sum_sq,
    summed.num_den_sum,
    summed.cov_n,
    summed.cov_sum,
    summed.cov_sum_sq,
    summed.cross_sum,
    summed.covden_sum,
    summed.covden_sum_sq,
    summed.num_covden_sum,
    summed.den_cov_sum,
    summed.den_covden_sum,
    summed.cov_covden_sum,
    summed.buyers,
    summed.sum_cu
from summed
union all
select
    arms.experiment_id,
    arms.stratum,
    arms.arm,
    arms.n,
    cast(null as bigint) as crossed,
    arms.sum,
    arms.sum_sq,
    arms.den_sum,
    arms.den_sum_sq,
    arms.num_den_sum,
    arms.cov_n,
    arms.cov_sum,
    arms.cov_sum_sq,
    arms.cross_sum,
    arms.covden_sum,
    arms.covden_sum_sq,
    arms.num_covden_sum,
    arms.den_cov_sum,
    arms.den_covden_sum,
    arms.cov_covden_sum,
    arms.buyers,
    arms.sum_cu
from {{ ref('stg_experiments__arm') }} as arms
where arms.experiment_id not in (select users.experiment_id from {{ ref('stg_experiments__user') }} as users)
