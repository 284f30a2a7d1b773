-- Deals as the CRM shows them on the run's day.
select
    opportunities.opportunity_id,
    opportunities.account_key,
    opportunities.pipeline,
    cast(opportunities.amount as decimal(18, 2)) as amount,
    opportunities.currency,
    opportunities.created_at,
    opportunities.closed_at,
    opportunities.is_closed,
    opportunities.is_won,
    opportunities.is_deleted,
    opportunities.geo
from {{ ref('int_crm__opportunity') }} as opportunities
