{#- Exact sum over the users of one arm of a column, or of the product of two; null where no user has it. A user seen in
    several arms belongs to none. -#}
{% macro user_sum(first, second=none) -%}
cast(sum(
    placed.{{ first }}{% if second %} * placed.{{ second }}{% endif %}
) filter (where placed.arms = 1) as double)
{%- endmacro %}
