{#- An amount in report currency, to the cent; null where no rate is known, so that the gap is seen and not filled. -#}
{% macro in_report_currency(amount, rate) -%}
cast(cast({{ amount }} as decimal(24, 6)) * {{ rate }} as decimal(18, 2))
{%- endmacro %}
