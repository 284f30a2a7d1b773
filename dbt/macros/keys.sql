{#- sha256 of the natural key joined by `|`, the empty string for null: any engine computes the same key. -#}
{% macro surrogate_key(parts) -%}
sha256(
    {%- for part in parts %}
    coalesce(cast({{ part }} as varchar), ''){{ " || '|' ||" if not loop.last }}
    {%- endfor %}
)
{%- endmacro %}
