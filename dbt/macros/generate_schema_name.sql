{#- Schemas are called staging, intermediate and marts, never main_marts: other rooms read them by these names. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ target.schema if custom_schema_name is none else custom_schema_name | trim }}
{%- endmacro %}
