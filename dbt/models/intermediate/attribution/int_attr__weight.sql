-- Share of each touch under each rule; the shares of a conversion add up to 1 under every rule.
with described as (
    select
        touches.conversion_id,
        touches.touch_id,
        touches.channel,
        touches.position,
        touches.path_length,
        touches.microseconds_before,
        cast(touches.path_length as double) as length_of_path,
        min(touches.microseconds_before) over (partition by touches.conversion_id) as nearest,
        max(case when not touches.is_direct then touches.position end) over (
            partition by touches.conversion_id
        ) as last_named_position,
        cast(case when touches.position = 1 then 1 else 0 end as double) as is_first,
        cast(case when touches.position = anchors.lead_position then 1 else 0 end as double) as is_lead,
        cast(case when touches.position = anchors.opportunity_position then 1 else 0 end as double) as is_opportunity,
        cast(1 as double)
        + case when anchors.lead_position is null then 0 else 1 end
        + case when anchors.opportunity_position is null then 0 else 1 end as anchors_of_path
    from {{ ref('int_attr__conversion_touch') }} as touches
    inner join {{ ref('int_attr__anchor') }} as anchors on touches.conversion_id = anchors.conversion_id
),

measured as (
    select
        described.*,
        described.is_first + described.is_lead + described.is_opportunity as anchors_of_touch,
        sum(
            case when described.is_first + described.is_lead + described.is_opportunity = 0 then 1 else 0 end
        ) over (partition by described.conversion_id) as others,
        power(
            cast(2 as double),
            -cast(described.microseconds_before - described.nearest as double)
            / (current_run.half_life_days * cast(86400000000 as double))
        ) as freshness
    from described
    cross join {{ ref('int_base__current_run') }} as current_run
),

ruled as (
    select
        'first_touch' as model,
        measured.conversion_id,
        measured.touch_id,
        measured.channel,
        measured.position,
        case when measured.position = 1 then cast(1 as double) else cast(0 as double) end as weight
    from measured
    union all
    select
        'last_touch' as model,
        measured.conversion_id,
        measured.touch_id,
        measured.channel,
        measured.position,
        case when measured.position = measured.path_length then cast(1 as double) else cast(0 as double) end as weight
    from measured
    union all
    select
        'last_non_direct' as model,
        measured.conversion_id,
        measured.touch_id,
        measured.channel,
        measured.position,
        case
            when measured.position = coalesce(measured.last_named_position, measured.path_length) then cast(1 as double)
            else cast(0 as double)
        end as weight
    from measured
    union all
    select
        'linear' as model,
        measured.conversion_id,
        measured.touch_id,
        measured.channel,
        measured.position,
        cast(1 as double) / measured.length_of_path as weight
    from measured
    union all
    select
        'position_based' as model,
        measured.conversion_id,
        measured.touch_id,
        measured.channel,
        measured.position,
        case
            when measured.path_length = 1 then cast(1 as double)
            when measured.path_length = 2 then cast(0.5 as double)
            when measured.position in (1, measured.path_length) then cast(0.4 as double)
            else cast(0.2 as double) / (measured.length_of_path - cast(2 as double))
        end as weight
    from measured
    union all
    select
        'time_decay' as model,
        measured.conversion_id,
        measured.touch_id,
        measured.channel,
        measured.position,
        measured.freshness / sum(measured.freshness) over (partition by measured.conversion_id) as weight
    from measured
    union all
    select
        'w_shaped' as model,
        measured.conversion_id,
        measured.touch_id,
        measured.channel,
        measured.position,
        (
            cast(0.3 as double) * measured.anchors_of_touch
            + case
                when measured.anchors_of_touch = 0 then cast(0.1 as double) / cast(measured.others as double)
                else cast(0 as double)
            end
        ) / (
            cast(0.3 as double) * measured.anchors_of_path
            + case when measured.others > 0 then cast(0.1 as double) else cast(0 as double) end
        ) as weight
    from measured
)

select
    ruled.model,
    ruled.conversion_id,
    ruled.touch_id,
    ruled.channel,
    ruled.position,
    ruled.weight
from ruled
where ruled.weight > 0
