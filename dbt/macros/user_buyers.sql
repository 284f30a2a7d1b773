{#- Users of one arm whose metric is above zero; empty where one is below zero, because the others then do not all have
    zero. A user seen in several arms belongs to none. -#}
{% macro user_buyers() -%}
case
    when min(placed.value) filter (where placed.arms = 1) >= 0
        then count(*) filter (where placed.arms = 1 and placed.value > 0)
end
{%- endmacro %}
