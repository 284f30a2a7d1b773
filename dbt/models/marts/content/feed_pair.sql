-- Pair briefs with results: the variant that may have received cards beside the one that may not, over the weeks in which
-- both ran. Every pair counts as it was drawn, whatever the agent did with the cards.
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
)

select
    pairs.brief,
    pairs.channel,
    pairs.seed_ref,
    pairs.variant_on,
    pairs.variant_off,
    cast(max(results_on.week) + interval 7 day as date) as closed,
    cast(sum(results_on.trials) as bigint) as trials_on,
    cast(sum(results_on.successes) as bigint) as successes_on,
    cast(sum(results_off.trials) as bigint) as trials_off,
    cast(sum(results_off.successes) as bigint) as successes_off
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
group by pairs.brief, pairs.channel, pairs.seed_ref, pairs.variant_on, pairs.variant_off
