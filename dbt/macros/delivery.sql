{#- What the run may know, and which delivery of a fact counts. -#}

{#- The instant up to which deliveries count: the end of the run's business day, in UTC. -#}
{% macro as_of() -%}
(select current_run.as_of from {{ source('ops', 'current_run') }} as current_run)
{%- endmacro %}

{#- The run's business day. -#}
{% macro as_of_day() -%}
(select current_run.as_of_day from {{ source('ops', 'current_run') }} as current_run)
{%- endmacro %}

{#- Rows of `relation` with their `recency`: 1 is the newest delivery of the natural key that the run may know.
    The order is total, so a tie between two deliveries can never double a row. -#}
{% macro ranked_deliveries(relation, key) -%}
select
    delivered.*,
    row_number() over (
        partition by {{ key | join(', ') }}
        order by delivered._delivered_at desc, delivered._batch_id desc, delivered._row desc
    ) as recency
from {{ relation }} as delivered
where delivered._delivered_at <= {{ as_of() }}
{%- endmacro %}

{#- The day of the newest export of a CRM table whose exports are declared complete (`complete_days`): a record that it lacks
    was deleted or merged away. Null where nothing is declared, and where a file of that day has refused rows: a record may
    then be missing only because its row could not be read. -#}
{% macro newest_complete_export(system, table) -%}
(
    select case when count(refused._batch_id) = 0 then max(newest.told) end
    from (
        select distinct delivered._batch_id, cast(delivered._delivered_at as date) as told
        from {{ source('raw', table) }} as delivered
        where delivered._delivered_at <= {{ as_of() }}
        qualify cast(delivered._delivered_at as date) = max(cast(delivered._delivered_at as date)) over ()
    ) as newest
    inner join {{ source('ops', 'source_option') }} as declared
        on declared.source = '{{ system }}' and declared.complete_days
    left join (
        select distinct lines._batch_id, cast(lines._delivered_at as date) as refused_on
        from {{ source('raw', 'quarantine') }} as lines
        where lines.source = '{{ system }}' and lines._delivered_at <= {{ as_of() }}
    ) as refused on newest._batch_id = refused._batch_id or newest.told <= refused.refused_on
)
{%- endmacro %}
