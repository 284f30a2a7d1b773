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
