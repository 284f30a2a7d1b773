-- Which card was dealt to which variant, whether the agent answered, and whether the published text carries the feature.
-- Dealt is not used, and used is not helped: `used` is read from the content log, never from the agent's word.
with logged as (
    select distinct pieces.variant_id as variant
    from {{ ref('stg_content__piece') }} as pieces
    where pieces.variant_id is not null
),

outcomes as (
    select
        tests.brief,
        tests.variant,
        tests.channel,
        min(tests.week) as week
    from {{ ref('hook_test') }} as tests
    group by tests.brief, tests.variant, tests.channel
)

select
    offers.receipt_id,
    offers.brief,
    offers.variant,
    cast(offers.variant_ix as bigint) as variant_ix,
    offers.channel,
    outcomes.week,
    offers.pattern_id,
    cast(offers.version as bigint) as version,
    offers.card_sha256,
    offers.feature,
    offers.follow,
    cast(offers.feed_seq as bigint) as feed_seq,
    offers.seed_ref,
    offers.pair_role,
    offers.assigned,
    offers.p,
    offers.offered_at,
    answers.receipt_id is not null as receipted,
    answers.claimed,
    case
        when logged.variant is null or namespaces.variant is null then null
        when offers.follow = 'avoid' then features.variant is null
        else features.variant is not null
    end as used,
    answers.final_artifact_sha256
from {{ ref('stg_receipts__offer') }} as offers
left join {{ ref('int_content__receipt_check') }} as answers
    on offers.receipt_id = answers.receipt_id and answers.refusal is null
left join logged on offers.variant = logged.variant
left join {{ ref('int_content__variant_namespace') }} as namespaces
    on offers.variant = namespaces.variant and split_part(offers.feature, '.', 1) = namespaces.namespace
left join {{ ref('variant_feature') }} as features
    on offers.variant = features.variant and offers.feature = features.feature
left join outcomes
    on offers.brief = outcomes.brief and offers.variant = outcomes.variant and offers.channel = outcomes.channel
