-- Orders with what the company keeps of them: gross less discount, tax and shipping.
with ranked as (
    {{ ranked_deliveries(source('raw', 'revenue__order'), ['order_id']) }}
),

netted as (
    select
        ranked.*,
        coalesce(ranked.gross, 0) - coalesce(ranked.discount, 0) - coalesce(ranked.tax, 0) - coalesce(ranked.shipping, 0) as net
    from ranked
    where ranked.recency = 1
)

select
    netted.order_id,
    netted.ordered_at,
    netted.customer_key,
    netted.account_id,
    netted.net,
    case
        when netted.refund is not null and netted.refund <> 0 then netted.refund
        when lower(netted.status) = 'refunded' then netted.net
        else 0
    end as refund,
    coalesce(netted.currency, 'XXX') as currency,
    lower(coalesce(netted.status, 'paid')) as status,
    coalesce(netted.refunded_at, netted.ordered_at) as refunded_at,
    netted.geo,
    coalesce(netted.new_customer, false) as new_customer,
    netted._delivered_at as delivered_at
from netted
where lower(coalesce(netted.status, 'paid')) <> 'cancelled'
