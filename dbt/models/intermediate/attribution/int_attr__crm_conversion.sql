-- Conversions of the CRM: leads, stages of deals, won deals, and the reversal of a won deal that was reopened or deleted.
with stages as (
    select
        entries.opportunity_id,
        entries.stage,
        entries.cycle,
        entries.entered_at,
        entries.left_at,
        row_number() over (partition by entries.opportunity_id, entries.stage order by entries.cycle) as nth
    from {{ ref('opportunity_stage') }} as entries
),

-- Entries after a won entry: any entry of a later cycle means that the deal was reopened then.
reopened as (
    select
        won.opportunity_id,
        won.cycle,
        min(later.entered_at) as reopened_at
    from stages as won
    inner join stages as later
        on won.opportunity_id = later.opportunity_id and won.cycle < later.cycle
    where won.stage = 'won'
    group by won.opportunity_id, won.cycle
),

reached as (
    select
        {{ surrogate_key(["'hubspot'", 'deals.deal_id', 'stages.stage', 'stages.cycle']) }} as conversion_id,
        stages.stage,
        deals.opportunity_id,
        deals.account_key,
        stages.entered_at as occurred_at,
        case when stages.stage in ('opportunity', 'won') then deals.amount else 0 end as amount,
        deals.currency,
        stages.cycle,
        deals.geo,
        coalesce(
            reopened.reopened_at,
            case when stages.stage = 'won' and not deals.is_won and stages.left_at is not null then stages.left_at end,
            case when deals.is_deleted then deals.delivered_at end
        ) as reversed_at
    from stages
    inner join {{ ref('int_crm__opportunity') }} as deals on stages.opportunity_id = deals.opportunity_id
    left join reopened
        on stages.opportunity_id = reopened.opportunity_id and stages.cycle = reopened.cycle and stages.stage = 'won'
    where
        stages.stage = 'won'
        or (stages.stage in ('mql', 'sql', 'opportunity') and stages.nth = 1 and not deals.is_deleted)
)

select
    reached.conversion_id,
    reached.stage,
    cast(null as varchar) as person_key,
    reached.account_key,
    reached.opportunity_id,
    reached.occurred_at,
    reached.amount,
    reached.currency,
    cast(null as varchar) as reverses,
    reached.cycle,
    reached.geo
from reached
union all
select
    {{ surrogate_key(["'reversal'", 'reached.conversion_id']) }} as conversion_id,
    'refund' as stage,
    cast(null as varchar) as person_key,
    reached.account_key,
    reached.opportunity_id,
    greatest(reached.reversed_at, reached.occurred_at) as occurred_at,
    -reached.amount as amount,
    reached.currency,
    reached.conversion_id as reverses,
    reached.cycle,
    reached.geo
from reached
where reached.stage = 'won' and reached.reversed_at is not null
union all
select
    {{ surrogate_key(["'lead'", 'people.person_key']) }} as conversion_id,
    'lead' as stage,
    people.person_key,
    people.account_key,
    cast(null as varchar) as opportunity_id,
    people.lead_at as occurred_at,
    case when current_run.kpi = 'leads' then coalesce(current_run.value_per_unit, 0) else 0 end as amount,
    current_run.report_currency as currency,
    cast(null as varchar) as reverses,
    1 as cycle,
    'all' as geo
from {{ ref('int_crm__person') }} as people
cross join {{ ref('int_base__current_run') }} as current_run
where people.lead_at is not null and not people.deleted
