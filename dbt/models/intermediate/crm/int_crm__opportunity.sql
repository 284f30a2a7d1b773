-- Deals with their account: the first company of the deal, else the account of its first contact.
select
    {{ surrogate_key(["'hubspot'", 'deals.deal_id']) }} as opportunity_id,
    deals.deal_id,
    coalesce(
        {{ account_of_company('first_companies.record_id') }},
        first_contacts.account_key
    ) as account_key,
    deals.pipeline,
    coalesce(deals.amount, 0) as amount,
    deals.currency,
    deals.created_at,
    deals.closed_at,
    stages.ladder as stage,
    coalesce(stages.ladder in ('won', 'lost'), false) as is_closed,
    coalesce(stages.ladder = 'won', false) as is_won,
    deals.is_deleted,
    deals.delivered_at,
    {{ geo_of('deals.geo', 'geo_names') }} as geo
from {{ ref('stg_hubspot__deal') }} as deals
left join {{ ref('int_crm__stage_map') }} as stages on deals.pipeline = stages.pipeline and deals.stage = stages.stage
left join {{ ref('int_crm__deal_link') }} as first_companies
    on deals.deal_id = first_companies.deal_id and first_companies.kind = 'company' and first_companies.nth = 1
left join {{ ref('int_crm__deal_link') }} as first_people
    on deals.deal_id = first_people.deal_id and first_people.kind = 'contact' and first_people.nth = 1
left join {{ ref('int_crm__contact') }} as first_contacts on first_people.record_id = first_contacts.contact_id
left join {{ ref('int_base__geo_name') }} as geo_names on lower(trim(deals.geo)) = geo_names.delivered_name
