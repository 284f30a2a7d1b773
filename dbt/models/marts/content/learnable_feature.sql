-- Features from which tests may learn: a part of the piece counts only in briefs in which it is known of every variant,
-- because a variant of which nothing is known is not one without the feature.
with variants as (
    select distinct
        tests.brief,
        tests.variant
    from {{ ref('hook_test') }} as tests
),

known as (
    select
        variants.brief,
        namespaces.namespace,
        count(distinct variants.variant) as known_variants
    from variants
    inner join {{ ref('int_content__variant_namespace') }} as namespaces on variants.variant = namespaces.variant
    group by variants.brief, namespaces.namespace
),

complete as (
    select
        known.namespace,
        variants.variant,
        bool_and(known.known_variants = sizes.variants) as in_every_brief
    from variants
    inner join (
        select
            all_variants.brief,
            count(*) as variants
        from variants as all_variants
        group by all_variants.brief
    ) as sizes on variants.brief = sizes.brief
    inner join known on variants.brief = known.brief
    group by known.namespace, variants.variant
)

select distinct
    features.variant,
    features.feature
from {{ ref('stg_content__piece_feature') }} as features
inner join complete on features.variant = complete.variant and features.namespace = complete.namespace
where features.feature is not null and complete.in_every_brief
