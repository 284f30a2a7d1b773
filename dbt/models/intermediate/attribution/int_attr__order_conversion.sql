-- Orders and their refunds: the shop's own file is the truth, GA4 fills in transactions that it does not hold.
with orders as (
    select
        {{ surrogate_key(["'order'", 'orders.order_id']) }} as conversion_id,
        orders.order_id,
        {{ person_of_address('orders.customer_key') }} as person_key,
        {{ account_of_company('orders.account_id') }} as account_key,
        orders.ordered_at as occurred_at,
        orders.net as amount,
        orders.refund,
        orders.refunded_at,
        orders.currency,
        orders.geo,
        'revenue' as source_system
    from {{ ref('stg_revenue__order') }} as orders
),

purchases as (
    select
        events.*,
        row_number() over (
            partition by events.transaction_id, events.event_name
            order by events.occurred_at, events.stream_id, events.user_pseudo_id
        ) as copy
    from {{ ref('stg_ga4__event') }} as events
    where
        events.event_name in ('purchase', 'refund')
        and coalesce(events.transaction_id, '(not set)') <> '(not set)'
        and events.transaction_id not in (select orders.order_id from orders)
),

devices as (
    select distinct
        visits.stream_id,
        visits.user_pseudo_id,
        visits.ga_session_id,
        coalesce({{ person_of_address('visits.user_key') }}, visits.device_key) as person_key
    from {{ ref('int_web__sourced_visit') }} as visits
    where visits.n = 1
),

tracked as (
    select
        {{ surrogate_key(["'ga4'", 'bought.transaction_id']) }} as conversion_id,
        bought.transaction_id as order_id,
        coalesce(devices.person_key, {{ person_of_address('bought.user_key') }}) as person_key,
        cast(null as varchar) as account_key,
        bought.occurred_at,
        coalesce(bought.purchase_revenue, 0) as amount,
        case
            when returned.transaction_id is null then 0
            else coalesce(nullif(returned.refund_value, 0), bought.purchase_revenue, 0)
        end as refund,
        returned.occurred_at as refunded_at,
        coalesce(bought.currency, current_run.report_currency) as currency,
        cast(null as varchar) as geo,
        'ga4' as source_system
    from purchases as bought
    cross join {{ ref('int_base__current_run') }} as current_run
    left join purchases as returned
        on bought.transaction_id = returned.transaction_id and returned.event_name = 'refund' and returned.copy = 1
    left join devices
        on
            bought.stream_id = devices.stream_id
            and bought.user_pseudo_id = devices.user_pseudo_id
            and bought.ga_session_id = devices.ga_session_id
    where bought.event_name = 'purchase' and bought.copy = 1
),

sales as (
    select orders.* from orders
    union all by name
    select tracked.* from tracked
)

select
    sales.conversion_id,
    'order' as stage,
    sales.person_key,
    sales.account_key,
    sales.order_id,
    sales.occurred_at,
    sales.amount,
    sales.currency,
    cast(null as varchar) as reverses,
    sales.geo,
    sales.source_system
from sales
union all
select
    {{ surrogate_key(["'refund'", 'sales.conversion_id']) }} as conversion_id,
    'refund' as stage,
    sales.person_key,
    sales.account_key,
    sales.order_id,
    greatest(sales.refunded_at, sales.occurred_at) as occurred_at,
    -sales.refund as amount,
    sales.currency,
    sales.conversion_id as reverses,
    sales.geo,
    sales.source_system
from sales
where sales.refund <> 0
