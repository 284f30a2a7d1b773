{#- Under every model the credit of a conversion is 1 and its amount is the conversion's, to the cent. -#}
{% test credit_sums_to_conversion(model, conversions) %}
with credited as (
    select
        credits.model,
        credits.conversion_id,
        sum(credits.credit) as credit,
        sum(credits.amount) as amount,
        sum(credits.amount_report) as amount_report
    from {{ model }} as credits
    group by credits.model, credits.conversion_id
),

models as (
    select distinct credited.model from credited
)

select models.model, outcomes.conversion_id, outcomes.amount as conversion_amount, credited.amount, credited.credit
from {{ conversions }} as outcomes
cross join models
left join credited on outcomes.conversion_id = credited.conversion_id and models.model = credited.model
where
    credited.conversion_id is null
    or abs(credited.credit - cast(1 as double)) > cast(0.000000001 as double)
    or credited.amount <> outcomes.amount
    or credited.amount_report is distinct from outcomes.amount_report
{% endtest %}
