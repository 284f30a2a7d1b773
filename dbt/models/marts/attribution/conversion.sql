-- Every outcome of a person or an account, and its reversals.
with conversions as (
    select
        crm.conversion_id,
        crm.stage,
        crm.person_key,
        crm.account_key,
        crm.opportunity_id,
        cast(null as varchar) as order_id,
        crm.occurred_at,
        crm.amount,
        crm.currency,
        crm.reverses,
        crm.cycle,
        crm.geo,
        'hubspot' as source_system
    from {{ ref('int_attr__crm_conversion') }} as crm
    union all
    select
        orders.conversion_id,
        orders.stage,
        orders.person_key,
        coalesce(accounts.account_key, people.account_key) as account_key,
        cast(null as varchar) as opportunity_id,
        orders.order_id,
        orders.occurred_at,
        orders.amount,
        orders.currency,
        orders.reverses,
        1 as cycle,
        {{ geo_of('orders.geo', 'geo_names') }} as geo,
        orders.source_system
    from {{ ref('int_attr__order_conversion') }} as orders
    left join {{ ref('account') }} as accounts on orders.account_key = accounts.account_key
    left join {{ ref('int_crm__person') }} as people on orders.person_key = people.person_key
    left join {{ ref('int_base__geo_name') }} as geo_names on lower(trim(orders.geo)) = geo_names.delivered_name
),

dated as (
    select
        conversions.*,
        {{ business_day('conversions.occurred_at', 'current_run.time_zone') }} as day,
        current_run.as_of_day
    from conversions
    cross join {{ ref('int_base__current_run') }} as current_run
    where conversions.occurred_at <= current_run.as_of
)

select
    dated.conversion_id,
    dated.stage,
    dated.person_key,
    dated.account_key,
    dated.opportunity_id,
    dated.order_id,
    dated.occurred_at,
    dated.day,
    cast(dated.amount as decimal(18, 2)) as amount,
    dated.currency,
    {{ in_report_currency('dated.amount', 'rates.rate') }} as amount_report,
    dated.reverses,
    cast(dated.cycle as integer) as cycle,
    dated.source_system,
    dated.geo,
    dated.day > dated.as_of_day - 3 as provisional
from dated
left join {{ ref('int_base__fx_rate') }} as rates
    on dated.currency = rates.from_currency and dated.day between rates.valid_from and rates.valid_until
