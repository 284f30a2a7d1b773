{#- No money is lost or invented between raw and staging, added up in another way than staging does: a day that one file alone
    told at a level has exactly that file's spend; one that several told has never more than all of them together, and never
    nothing where each of them told some; a day that no file told has none. -#}
{% test staged_from_raw(model, raw) %}
with per_file as (
    select
        delivered.level,
        delivered.day,
        delivered._batch_id,
        coalesce(sum(delivered.spend), 0) as spend,
        coalesce(sum(greatest(delivered.spend, 0)), 0) as spend_without_credits
    from {{ raw }} as delivered
    where delivered._delivered_at <= (select runs.as_of from {{ source('ops', 'current_run') }} as runs)
    group by delivered.level, delivered.day, delivered._batch_id
),

told as (
    select
        per_file.level,
        per_file.day,
        count(*) as files,
        sum(per_file.spend) as spend,
        sum(per_file.spend_without_credits) as spend_without_credits,
        min(per_file.spend) as least_spend
    from per_file
    group by per_file.level, per_file.day
),

staged as (
    select rows_of_day.level, rows_of_day.day, coalesce(sum(rows_of_day.spend), 0) as spend
    from {{ model }} as rows_of_day
    group by rows_of_day.level, rows_of_day.day
)

select
    coalesce(told.level, staged.level) as level,
    coalesce(told.day, staged.day) as day,
    told.files,
    told.spend as spend_in_raw,
    staged.spend as spend_staged
from told
full outer join staged on told.level is not distinct from staged.level and told.day = staged.day
where
    (told.files = 1 and told.spend <> coalesce(staged.spend, 0))
    or (told.files > 1 and coalesce(staged.spend, 0) > told.spend_without_credits)
    or (told.files > 1 and told.least_spend > 0 and coalesce(staged.spend, 0) <= 0)
    or (told.files is null and staged.spend <> 0)
{% endtest %}
