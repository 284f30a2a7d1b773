-- When a deal took each stage. A fall (to a lower stage, or out of a closed one) starts a new cycle, and within a cycle
-- the first entry counts.
with ordered as (
    select
        entries.*,
        lag(entries.ladder_rank) over (
            partition by entries.deal_id order by entries.entered_at, entries.ladder_rank, entries.stage
        ) as rank_before,
        lag(entries.stage) over (
            partition by entries.deal_id order by entries.entered_at, entries.ladder_rank, entries.stage
        ) as stage_before,
        lead(entries.entered_at) over (
            partition by entries.deal_id order by entries.entered_at, entries.ladder_rank, entries.stage
        ) as next_entered_at
    from {{ ref('int_crm__stage_entry') }} as entries
),

cycled as (
    select
        ordered.*,
        1 + sum(
            case
                when ordered.stage = ordered.stage_before then 0
                when ordered.ladder_rank < ordered.rank_before then 1
                when ordered.stage_before in ('won', 'lost') then 1
                else 0
            end
        ) over (
            partition by ordered.deal_id
            order by ordered.entered_at, ordered.ladder_rank, ordered.stage
            rows between unbounded preceding and current row
        ) as cycle
    from ordered
)

select
    {{ surrogate_key(["'hubspot'", 'cycled.deal_id']) }} as opportunity_id,
    cycled.stage,
    cast(cycled.cycle as integer) as cycle,
    min(cycled.entered_at) as entered_at,
    case
        when count(coalesce(cycled.left_at, cycled.next_entered_at)) = count(*)
            then max(coalesce(cycled.left_at, cycled.next_entered_at))
    end as left_at,
    min(cycled.source) as source,
    bool_and(cycled.inferred) as inferred
from cycled
group by cycled.deal_id, cycled.stage, cycled.cycle
