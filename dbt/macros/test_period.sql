{#- Part of a test in which a day lies; days after the cooldown are no part of it. -#}
{% macro test_period(day, test) -%}
case
    when {{ day }} < {{ test }}.start_day then 'pre'
    when {{ day }} <= {{ test }}.end_day then 'test'
    when {{ day }} <= {{ test }}.cooldown_end then 'cooldown'
    else 'after'
end
{%- endmacro %}
