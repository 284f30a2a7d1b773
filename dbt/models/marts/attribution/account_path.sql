-- Each buyer's paths with what came of them, so that models can be refitted on buyers drawn again. Refunds are netted.
with refunds as (
    select
        conversions.reverses as conversion_id,
        sum(conversions.amount_report) as amount_report
    from {{ ref('conversion') }} as conversions
    where conversions.reverses is not null
    group by conversions.reverses
),

converted as (
    select
        touches.stage,
        touches.conversion_id,
        max(units.unit_key) as unit_key,
        string_agg(touches.channel, ' > ' order by touches.position) as path,
        max(touches.amount_report) as amount_report
    from {{ ref('touch_path') }} as touches
    inner join {{ ref('int_attr__unit') }} as units
        on touches.conversion_id = units.conversion_id
    group by touches.stage, touches.conversion_id
),

unconverted as (
    select
        nulls.stage,
        nulls.unit_key,
        string_agg(nulls.channel, ' > ' order by nulls.occurred_at, nulls.touch_id) as path
    from {{ ref('int_attr__null_path') }} as nulls
    where not nulls.is_censored
    group by nulls.stage, nulls.unit_key
),

counted as (
    select
        converted.stage,
        converted.unit_key as account,
        converted.path,
        1 as conversions,
        coalesce(converted.amount_report, 0) + coalesce(refunds.amount_report, 0) as amount,
        0 as nulls
    from converted
    left join refunds on converted.conversion_id = refunds.conversion_id
    union all
    select
        unconverted.stage,
        unconverted.unit_key as account,
        unconverted.path,
        0 as conversions,
        0 as amount,
        1 as nulls
    from unconverted
)

select
    counted.stage,
    counted.account,
    counted.path,
    cast(sum(counted.conversions) as bigint) as total_conversions,
    cast(sum(counted.amount) as decimal(38, 2)) as total_conversion_value,
    cast(sum(counted.nulls) as bigint) as total_null
from counted
group by counted.stage, counted.account, counted.path
