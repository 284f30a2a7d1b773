-- Pair briefs with results: the variant that may have received cards beside the one that may not, over the first four weeks
-- in which both ran. Every pair counts as it was drawn, whatever the agent did with the cards. The weeks are fixed, so that
-- later results neither change a pair that a look has read nor its place in the order.
with roles as (
    select distinct
        receipts.brief,
        receipts.channel,
        receipts.seed_ref,
        receipts.variant,
        receipts.pair_role
    from {{ ref('receipt') }} as receipts
    where receipts.pair_role in ('on', 'off')
),

pairs as (
    select
        treated.brief,
        treated.channel,
        treated.seed_ref,
        treated.variant as variant_on,
        control.variant as variant_off,
        count(*) over (partition by treated.brief) as pairs_of_brief
    from roles as treated
    inner join roles as control
        on
            treated.brief = control.brief
            and treated.channel = control.channel
            and treated.seed_ref = control.seed_ref
            and treated.variant <> control.variant
            and control.pair_role = 'off'
    where treated.pair_role = 'on'
),

weeks as (
    select
        pairs.brief,
        pairs.channel,
        pairs.seed_ref,
        pairs.variant_on,
        pairs.variant_off,
        results_on.week,
        results_on.trials as trials_on,
        results_on.successes as successes_on,
        results_off.trials as trials_off,
        results_off.successes as successes_off,
        results_on.value as value_on,
        results_off.value as value_off,
        min(results_on.week) over (partition by pairs.brief) as first_week
    from pairs
    inner join {{ ref('hook_test') }} as results_on
        on
            pairs.brief = results_on.brief
            and pairs.variant_on = results_on.variant
            and pairs.channel = results_on.channel
    inner join {{ ref('hook_test') }} as results_off
        on
            pairs.brief = results_off.brief
            and pairs.variant_off = results_off.variant
            and pairs.channel = results_off.channel
            and results_on.week = results_off.week
    where pairs.pairs_of_brief = 1
)

select
    brief,
    channel,
    seed_ref,
    variant_on,
    variant_off,
    cast(first_week + interval 28 day as date) as closed,
    cast(sum(trials_on) as bigint) as trials_on,
    cast(sum(successes_on) as bigint) as successes_on,
    cast(sum(trials_off) as bigint) as trials_off,
    cast(sum(successes_off) as bigint) as successes_off,
    case when count(value_on) = count(*) then sum(value_on) end as value_on,
    case when count(value_off) = count(*) then sum(value_off) end as value_off
from weeks
where week < first_week + interval 28 day
group by brief, channel, seed_ref, variant_on, variant_off, first_week
