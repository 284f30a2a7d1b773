{#- Every amount that is not zero is also known in report currency; a missing rate is a gap, never a rate of 1. -#}
{% test converted(model, amount, report) %}
select *
from {{ model }}
where {{ amount }} <> 0 and {{ report }} is null
{% endtest %}
