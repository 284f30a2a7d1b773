{#- A total is the same here and in `other`, per group, exactly: money is DECIMAL on both sides. -#}
{% test equal_sum(model, expression, other, other_expression, per=[], other_per=none, only='true', other_only='true') %}
{%- set other_columns = per if other_per is none else other_per %}
with here as (
    select
        {% for column in per %}{{ column }} as group_{{ loop.index }}, {% endfor %}
        sum({{ expression }}) as total
    from {{ model }}
    where {{ only }}
    {% if per %}group by {{ per | join(', ') }}{% endif %}
),

there as (
    select
        {% for column in other_columns %}{{ column }} as group_{{ loop.index }}, {% endfor %}
        sum({{ other_expression }}) as total
    from {{ other }}
    where {{ other_only }}
    {% if other_columns %}group by {{ other_columns | join(', ') }}{% endif %}
)

select
    {% for column in per %}coalesce(here.group_{{ loop.index }}, there.group_{{ loop.index }}) as {{ column }}, {% endfor %}
    here.total as total_here,
    there.total as total_there
from here
full outer join there
    on true{% for column in per %} and here.group_{{ loop.index }} is not distinct from there.group_{{ loop.index }}{% endfor %}
where coalesce(here.total, 0) <> coalesce(there.total, 0)
{% endtest %}
