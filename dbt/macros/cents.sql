{#- Largest remainder in whole cents. Below 2^53 cents doubles are exact; the tiny addition keeps a share that is a whole
    number of cents from being floored one too low. -#}
{% macro whole_cents(weight, cents) -%}
least(cast(floor({{ weight }} * abs({{ cents }}) + cast(0.0000001 as double)) as bigint), abs({{ cents }}))
{%- endmacro %}

{#- The share's cents with the sign of the amount: those first in turn get one cent of what is left over. -#}
{% macro cents_as_money(cents, whole, turn, left_over) -%}
cast(
    cast(sign({{ cents }}) * ({{ whole }} + case when {{ turn }} <= {{ left_over }} then 1 else 0 end) as decimal(18, 0))
    * 0.01 as decimal(18, 2)
)
{%- endmacro %}

{#- Part number `part` (1 first) of an amount of whole cents that is split evenly over `parts`: the difference of two
    rounded running totals, so that the parts add up to the amount and no sum of neighbours is off by more than a cent. -#}
{% macro even_cents(cents, part, parts) -%}
(
    cast(round(cast({{ cents }} as double) * {{ part }} / {{ parts }}) as bigint)
    - cast(round(cast({{ cents }} as double) * ({{ part }} - 1) / {{ parts }}) as bigint)
)
{%- endmacro %}
