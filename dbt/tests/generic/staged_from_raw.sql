{#- Spend of a platform's staging is the newest delivered spend of raw, added up another way: by batch, then by the greatest
    delivery of each key. Where a whole day is replaced (`complete_days`), vanished keys are meant to be gone. -#}
{% test staged_from_raw(model, raw, platform) %}
{%- set key = 'level, account_id, day, campaign_id, campaign, ad_group_id, ad_group, ad_id, ad, geo' %}
with batches as (
    select {{ key }}, segment, _delivered_at, _batch_id, sum(spend) as spend
    from {{ raw }}
    where _delivered_at <= (select runs.as_of from {{ source('ops', 'current_run') }} as runs)
    group by {{ key }}, segment, _delivered_at, _batch_id
),

newest as (
    select
        {{ key }},
        segment,
        arg_max(spend, {'delivered_at': _delivered_at, 'batch': _batch_id}) as spend,
        max(cast(_delivered_at as date)) as delivered_on
    from batches
    group by {{ key }}, segment
),

whole as (
    select {{ key }}, max(delivered_on) as delivered_on
    from newest
    group by {{ key }}
),

in_raw as (
    select newest.level, sum(newest.spend) as spend
    from newest
    inner join whole
        on newest.delivered_on = whole.delivered_on
        {%- for column in key.split(', ') %}
        and newest.{{ column }} is not distinct from whole.{{ column }}
        {%- endfor %}
    group by newest.level
),

staged as (
    select rows_of_day.level, sum(rows_of_day.spend) as spend
    from {{ model }} as rows_of_day
    group by rows_of_day.level
)

select in_raw.level, in_raw.spend as spend_in_raw, staged.spend as spend_staged
from in_raw
left join staged on in_raw.level is not distinct from staged.level
where
    coalesce(in_raw.spend, 0) <> coalesce(staged.spend, 0)
    and not exists (
        select 1
        from {{ source('ops', 'source_option') }} as options
        where options.source = '{{ platform }}' and options.complete_days
    )
{% endtest %}
