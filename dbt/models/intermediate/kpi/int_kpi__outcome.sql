-- The outcome per day from the best source there is for each KPI: the delivered one, else orders, else the CRM.
with candidates as (
    select
        1 as preference,
        delivered.day,
        delivered.grain,
        delivered.geo,
        delivered.kpi,
        delivered.value,
        delivered.revenue,
        delivered.orders,
        delivered.new_customers,
        delivered.currency
    from {{ ref('stg_revenue__kpi') }} as delivered
    union all
    select
        2 as preference,
        orders.day,
        'day' as grain,
        orders.geo,
        orders.kpi,
        orders.value,
        orders.revenue,
        orders.orders,
        orders.new_customers,
        orders.currency
    from {{ ref('int_kpi__order_day') }} as orders
    union all
    select
        3 as preference,
        crm.day,
        'day' as grain,
        crm.geo,
        crm.kpi,
        crm.value,
        crm.revenue,
        null as orders,
        null as new_customers,
        crm.currency
    from {{ ref('int_crm__kpi_day') }} as crm
),

ranked as (
    select
        candidates.*,
        dense_rank() over (partition by candidates.kpi order by candidates.preference) as choice
    from candidates
)

select
    ranked.day,
    ranked.grain,
    {{ geo_of('ranked.geo', 'geo_names') }} as geo,
    ranked.kpi,
    ranked.value,
    ranked.revenue,
    ranked.orders,
    ranked.new_customers,
    ranked.currency,
    rates.rate,
    ranked.preference > 1 as is_counted,
    ranked.preference > 1 and ranked.day > {{ as_of_day() }} - 3 as provisional
from ranked
left join {{ ref('int_base__geo_name') }} as geo_names
    on lower(trim(ranked.geo)) = geo_names.delivered_name
left join {{ ref('int_base__fx_rate') }} as rates
    on ranked.currency = rates.from_currency and ranked.day between rates.valid_from and rates.valid_until
where ranked.choice = 1
