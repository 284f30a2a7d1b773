-- CRM stages on the common ladder: the workspace's rules first, then HubSpot's own names; unmapped ones have no ladder.
with seen as (
    select
        deals.pipeline,
        deals.stage
    from {{ ref('stg_hubspot__deal') }} as deals
    where deals.stage is not null
    union
    select
        coalesce(entries.pipeline, '') as pipeline,
        entries.stage
    from {{ ref('stg_hubspot__deal_stage') }} as entries
),

ruled as (
    select
        seen.pipeline,
        seen.stage,
        rules.ladder,
        row_number() over (
            partition by seen.pipeline, seen.stage
            order by case when rules.pipeline in ('.', '.*') then 1 else 0 end, length(rules.pipeline) desc, rules.ladder
        ) as choice
    from seen
    inner join {{ source('ops', 'stage_rule') }} as rules
        on
            rules.system = 'hubspot'
            and lower(seen.stage) = lower(rules.stage)
            and (rules.pipeline in ('.', '.*') or regexp_matches(seen.pipeline, rules.pipeline))
),

laddered as (
    select
        seen.pipeline,
        seen.stage,
        coalesce(
            ruled.ladder,
            case
                when regexp_replace(lower(seen.stage), '[^a-z]', '', 'g') = 'closedwon' then 'won'
                when regexp_replace(lower(seen.stage), '[^a-z]', '', 'g') = 'closedlost' then 'lost'
                when regexp_replace(lower(seen.stage), '[^a-z]', '', 'g') in ('appointmentscheduled', 'qualifiedtobuy')
                    then 'opportunity'
                when
                    regexp_replace(lower(seen.stage), '[^a-z]', '', 'g')
                    in ('presentationscheduled', 'decisionmakerboughtin', 'contractsent')
                    then 'proposal'
            end
        ) as ladder
    from seen
    left join ruled on seen.pipeline = ruled.pipeline and seen.stage = ruled.stage and ruled.choice = 1
)

select
    laddered.pipeline,
    laddered.stage,
    laddered.ladder,
    case laddered.ladder
        when 'touched' then 0 when 'lead' then 1 when 'mql' then 2 when 'sql' then 3 when 'opportunity' then 4
        when 'proposal' then 5 when 'won' then 6 when 'lost' then 6
    end as ladder_rank
from laddered
