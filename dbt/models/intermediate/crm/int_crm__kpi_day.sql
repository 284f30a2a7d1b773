-- Pipeline or leads per day as the CRM books them, where plumbline.yaml makes one of them the KPI; else no row.
with created as (
    select
        {{ business_day('deals.created_at', 'current_run.time_zone') }} as day,
        deals.geo,
        'pipeline' as kpi,
        deals.currency,
        coalesce(deals.amount, 0) as value,
        coalesce(deals.amount, 0) as revenue
    from {{ ref('stg_hubspot__deal') }} as deals
    inner join {{ ref('int_base__current_run') }} as current_run on current_run.kpi = 'pipeline'
    where not deals.is_deleted and deals.created_at <= current_run.as_of
    union all
    select
        {{ business_day('people.lead_at', 'current_run.time_zone') }} as day,
        cast(null as varchar) as geo,
        'leads' as kpi,
        current_run.report_currency as currency,
        cast(1 as decimal(18, 6)) as value,
        current_run.value_per_unit as revenue
    from {{ ref('int_crm__person') }} as people
    inner join {{ ref('int_base__current_run') }} as current_run on current_run.kpi = 'leads'
    where not people.deleted and people.lead_at <= current_run.as_of
)

select
    created.day,
    created.geo,
    created.kpi,
    created.currency,
    sum(created.value) as value,
    sum(created.revenue) as revenue
from created
where created.day is not null
group by created.day, created.geo, created.kpi, created.currency
