{#- No money is lost or invented between raw and staging, added up in another way than staging does: a day that one file alone
    told at a level has exactly that file's spend, and one that several told never has more than all of them together. -#}
{% test staged_from_raw(model, raw) %}
with told as (
    select
        delivered.level,
        delivered.day,
        count(distinct delivered._batch_id) as files,
        coalesce(sum(delivered.spend), 0) as spend,
        coalesce(sum(greatest(delivered.spend, 0)), 0) as spend_without_credits
    from {{ raw }} as delivered
    where delivered._delivered_at <= (select runs.as_of from {{ source('ops', 'current_run') }} as runs)
    group by delivered.level, delivered.day
),

staged as (
    select rows_of_day.level, rows_of_day.day, coalesce(sum(rows_of_day.spend), 0) as spend
    from {{ model }} as rows_of_day
    group by rows_of_day.level, rows_of_day.day
)

select told.level, told.day, told.files, told.spend as spend_in_raw, staged.spend as spend_staged
from told
left join staged on told.level is not distinct from staged.level and told.day = staged.day
where
    (told.files = 1 and told.spend <> coalesce(staged.spend, 0))
    or (told.files > 1 and coalesce(staged.spend, 0) > told.spend_without_credits)
{% endtest %}
