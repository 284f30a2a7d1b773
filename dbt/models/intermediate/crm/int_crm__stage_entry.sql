-- Entries of deals into the ladder, as told by the stage history, else by the deal's own dates.
with history as (
    select
        entries.deal_id,
        stages.ladder as stage,
        stages.ladder_rank,
        entries.entered_at,
        entries.left_at,
        'stage_history' as source,
        false as inferred
    from {{ ref('stg_hubspot__deal_stage') }} as entries
    inner join {{ ref('int_crm__stage_map') }} as stages
        on coalesce(entries.pipeline, '') = stages.pipeline and entries.stage = stages.stage and stages.ladder is not null
    inner join {{ ref('stg_hubspot__deal') }} as deals on entries.deal_id = deals.deal_id
),

told as (
    select
        history.deal_id,
        bool_or(history.stage in ('won', 'lost')) as has_end
    from history
    group by history.deal_id
),

dated as (
    select
        deals.deal_id,
        stages.ladder as stage,
        stages.ladder_rank,
        deals.closed_at as entered_at,
        cast(null as timestamp) as left_at,
        'date_property' as source,
        false as inferred
    from {{ ref('stg_hubspot__deal') }} as deals
    inner join {{ ref('int_crm__stage_map') }} as stages
        on deals.pipeline = stages.pipeline and deals.stage = stages.stage and stages.ladder in ('won', 'lost')
    left join told on deals.deal_id = told.deal_id
    where deals.closed_at <= {{ as_of() }} and not coalesce(told.has_end, false)
    union all
    select
        deals.deal_id,
        'opportunity' as stage,
        4 as ladder_rank,
        deals.created_at as entered_at,
        cast(null as timestamp) as left_at,
        'date_property' as source,
        true as inferred
    from {{ ref('stg_hubspot__deal') }} as deals
    inner join {{ ref('int_crm__stage_map') }} as stages
        on deals.pipeline = stages.pipeline and deals.stage = stages.stage and stages.ladder_rank >= 4
    left join told on deals.deal_id = told.deal_id
    where told.deal_id is null and deals.created_at <= {{ as_of() }}
),

entries as (
    select history.* from history
    union all
    select dated.* from dated
),

-- A deal that came further without ever being an opportunity was one when it took the next stage.
skipped as (
    select
        entries.deal_id,
        'opportunity' as stage,
        4 as ladder_rank,
        min(case when entries.ladder_rank > 4 then entries.entered_at end) as entered_at,
        cast(null as timestamp) as left_at,
        min(entries.source) as source,
        true as inferred
    from entries
    group by entries.deal_id
    having bool_or(entries.stage in ('proposal', 'won')) and not bool_or(entries.stage = 'opportunity')
)

select entries.* from entries
union all
select skipped.* from skipped
