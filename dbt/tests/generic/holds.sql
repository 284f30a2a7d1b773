{#- A statement that is true of every row, written as an SQL condition. -#}
{% test holds(model, condition) %}
select *
from {{ model }}
where not coalesce(({{ condition }}), false)
{% endtest %}
