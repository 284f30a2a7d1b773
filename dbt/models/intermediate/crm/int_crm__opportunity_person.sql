-- The buying group of a deal: the contacts tied to it, else everybody of its account.
with tied as (
    select distinct
        {{ surrogate_key(["'hubspot'", 'links.deal_id']) }} as opportunity_id,
        contacts.person_key
    from {{ ref('int_crm__deal_link') }} as links
    inner join {{ ref('stg_hubspot__deal') }} as deals on links.deal_id = deals.deal_id
    inner join {{ ref('int_crm__contact') }} as contacts on links.record_id = contacts.contact_id
    where links.kind = 'contact'
)

select
    tied.opportunity_id,
    tied.person_key,
    'association' as via
from tied
union all
select
    opportunities.opportunity_id,
    people.person_key,
    'account' as via
from {{ ref('int_crm__opportunity') }} as opportunities
inner join {{ ref('int_crm__person') }} as people on opportunities.account_key = people.account_key
left join (select distinct tied.opportunity_id from tied) as covered
    on opportunities.opportunity_id = covered.opportunity_id
where covered.opportunity_id is null
