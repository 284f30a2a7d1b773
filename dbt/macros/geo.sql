{#- The geo of a delivered row: its own if configured, else one found elsewhere, else `all`. Without any configured geo
    the delivered one stands as it is. `names` is the alias of a left join to int_base__geo_name. -#}
{% macro geo_of(delivered, names, otherwise='null') -%}
case
    when exists (select 1 from {{ ref('int_base__geo_name') }})
        then coalesce({{ names }}.geo, {{ otherwise }}, 'all')
    else coalesce(nullif(trim({{ delivered }}), ''), 'all')
end
{%- endmacro %}
