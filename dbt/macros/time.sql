{#- The business day of a UTC instant in the workspace's time zone. -#}
{% macro business_day(instant, zone) -%}
cast((({{ instant }}) at time zone 'UTC') at time zone {{ zone }} as date)
{%- endmacro %}

{#- Microseconds from `a` to `b`: windows are cut in exact time, never by counting midnights. -#}
{% macro microseconds_between(a, b) -%}
(epoch_us({{ b }}) - epoch_us({{ a }}))
{%- endmacro %}

{#- Fiscal quarter such as 2026-Q3; a fiscal year carries the calendar year in which it ends. -#}
{% macro fiscal_quarter(day, first_month) -%}
cast(
    year({{ day }} - to_months({{ first_month }} - 1)) + case when {{ first_month }} > 1 then 1 else 0 end as varchar
) || '-Q' || cast(quarter({{ day }} - to_months({{ first_month }} - 1)) as varchar)
{%- endmacro %}

{#- First day of the fiscal quarter that holds `day`. -#}
{% macro fiscal_quarter_start(day, first_month) -%}
cast(date_trunc('quarter', {{ day }} - to_months({{ first_month }} - 1)) + to_months({{ first_month }} - 1) as date)
{%- endmacro %}

{#- Last day of the period of length `grain` that begins on `first_day`. -#}
{% macro last_day_of(first_day, grain) -%}
case {{ grain }} when 'week' then {{ first_day }} + 6 when 'month' then last_day({{ first_day }}) else {{ first_day }} end
{%- endmacro %}
