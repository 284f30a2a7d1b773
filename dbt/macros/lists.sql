{#- The names of a delivered list such as `a|b` or `a;b`, trimmed, blanks left out; an empty list for null. -#}
{% macro name_list(text) -%}
list_filter(
    list_transform(regexp_split_to_array(coalesce({{ text }}, ''), '[|;]'), lambda part: trim(part)),
    lambda part: part <> ''
)
{%- endmacro %}
