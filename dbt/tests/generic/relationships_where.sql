{#- Every value of the column that matters (`only`) exists in `to`. -#}
{% test relationships_where(model, column_name, to, field, only='true') %}
select children.{{ column_name }}
from {{ model }} as children
left join {{ to }} as parents on children.{{ column_name }} = parents.{{ field }}
where children.{{ column_name }} is not null and parents.{{ field }} is null and ({{ only }})
{% endtest %}
