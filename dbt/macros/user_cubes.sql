{#- Sum of the cubes of one arm's metric. A cube does not fit a DECIMAL, so it is a double, added in the order of the
    values: the same in every run. -#}
{% macro user_cubes() -%}
sum(
    cast(placed.value * placed.value as double) * cast(placed.value as double) order by placed.value
) filter (where placed.arms = 1)
{%- endmacro %}
