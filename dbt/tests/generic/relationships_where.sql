{#- Every value of the column that matters (`where`) exists in `to`. -#}
{% test relationships_where(model, column_name, to, field, where='true') %}
select children.{{ column_name }}
from {{ model }} as children
left join {{ to }} as parents on children.{{ column_name }} = parents.{{ field }}
where children.{{ column_name }} is not null and parents.{{ field }} is null and ({{ where }})
{% endtest %}
