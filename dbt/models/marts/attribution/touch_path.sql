-- The path to each conversion, touch by touch.
select
    touches.conversion_id,
    touches.touch_id,
    touches.stage,
    touches.channel,
    cast(touches.position as integer) as position,
    cast(touches.path_length as integer) as path_length,
    cast(touches.microseconds_before as double) / cast(1000000 as double) as seconds_before,
    touches.is_direct,
    touches.is_paid,
    conversions.amount_report
from {{ ref('int_attr__conversion_touch') }} as touches
inner join {{ ref('conversion') }} as conversions on touches.conversion_id = conversions.conversion_id
