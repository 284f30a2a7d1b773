-- Orders as a daily outcome: revenue less refunds (on the day of the refund), and their number.
with current_run as (
    select runs.time_zone from {{ source('ops', 'current_run') }} as runs
),

movements as (
    select
        {{ business_day('orders.ordered_at', 'current_run.time_zone') }} as day,
        orders.geo,
        orders.currency,
        orders.net as revenue,
        1 as orders,
        case when orders.new_customer then 1 else 0 end as new_customers
    from {{ ref('stg_revenue__order') }} as orders
    cross join current_run
    union all
    select
        {{ business_day('orders.refunded_at', 'current_run.time_zone') }} as day,
        orders.geo,
        orders.currency,
        -orders.refund as revenue,
        0 as orders,
        0 as new_customers
    from {{ ref('stg_revenue__order') }} as orders
    cross join current_run
    where orders.refund <> 0
),

daily as (
    select
        movements.day,
        movements.geo,
        movements.currency,
        sum(movements.revenue) as revenue,
        sum(movements.orders) as orders,
        sum(movements.new_customers) as new_customers
    from movements
    where movements.day <= {{ as_of_day() }}
    group by movements.day, movements.geo, movements.currency
)

select
    daily.day,
    daily.geo,
    'revenue' as kpi,
    daily.revenue as value,
    daily.revenue,
    daily.orders,
    daily.new_customers,
    daily.currency
from daily
union all
select
    daily.day,
    daily.geo,
    'orders' as kpi,
    daily.orders as value,
    daily.revenue,
    daily.orders,
    daily.new_customers,
    daily.currency
from daily
