-- Shares of every conversion under every model, untracked ones and reversals included. A reversal takes back from whom the
-- original gave; people's own answers are a model of their own and enter no other.
with models as (
    select unnest(
        ['first_touch', 'last_touch', 'last_non_direct', 'linear', 'position_based', 'time_decay', 'w_shaped', 'self_reported']
    ) as model
),

originals as (
    select
        conversions.conversion_id,
        conversions.person_key,
        conversions.opportunity_id,
        conversions.stage
    from {{ ref('conversion') }} as conversions
    where conversions.stage <> 'refund'
),

asked as (
    select
        originals.conversion_id,
        originals.person_key
    from originals
    where originals.person_key is not null
    union
    select
        originals.conversion_id,
        people.person_key
    from originals
    inner join {{ ref('int_crm__opportunity_person') }} as people on originals.opportunity_id = people.opportunity_id
),

answered as (
    select
        asked.conversion_id,
        answers.answer_id,
        answers.channel,
        answers.multi_share / sum(answers.multi_share) over (partition by asked.conversion_id) as weight
    from asked
    inner join {{ ref('self_report') }} as answers on asked.person_key = answers.person_key
),

given as (
    select
        weights.model,
        weights.conversion_id,
        weights.touch_id,
        weights.channel,
        weights.position,
        weights.weight
    from {{ ref('int_attr__weight') }} as weights
    union all
    select
        'self_reported' as model,
        answered.conversion_id,
        'self_reported:' || answered.answer_id as touch_id,
        answered.channel,
        row_number() over (partition by answered.conversion_id order by answered.answer_id) as position,
        answered.weight
    from answered
),

complete as (
    select
        given.model,
        given.conversion_id,
        given.touch_id,
        given.channel,
        given.position,
        given.weight
    from given
    union all
    select
        models.model,
        originals.conversion_id,
        'untracked:' || originals.conversion_id as touch_id,
        case when models.model = 'self_reported' then '(no answer)' else '(untracked)' end as channel,
        1 as position,
        cast(1 as double) as weight
    from originals
    cross join models
    left join (select distinct
        given.model,
        given.conversion_id
    from given) as covered
        on models.model = covered.model and originals.conversion_id = covered.conversion_id
    where covered.conversion_id is null
)

select
    complete.model,
    complete.conversion_id,
    complete.touch_id,
    complete.channel,
    complete.position,
    complete.weight
from complete
union all
select
    complete.model,
    reversals.conversion_id,
    complete.touch_id,
    complete.channel,
    complete.position,
    complete.weight
from {{ ref('conversion') }} as reversals
inner join complete on reversals.reverses = complete.conversion_id
where reversals.stage = 'refund'
