-- The buying group of a deal: the contacts tied to it, else everybody of its account.
with tied as (
    select distinct opportunities.opportunity_id, contacts.person_key
    from (
        select
            {{ surrogate_key(["'hubspot'", 'deals.deal_id']) }} as opportunity_id,
            unnest({{ name_list('deals.contact_ids') }}) as contact_id
        from {{ ref('stg_hubspot__deal') }} as deals
    ) as opportunities
    inner join {{ ref('int_crm__contact') }} as contacts on opportunities.contact_id = contacts.contact_id
)

select tied.opportunity_id, tied.person_key, 'association' as via
from tied
union all
select opportunities.opportunity_id, people.person_key, 'account' as via
from {{ ref('int_crm__opportunity') }} as opportunities
inner join {{ ref('int_crm__person') }} as people on opportunities.account_key = people.account_key
left join (select distinct tied.opportunity_id from tied) as covered
    on opportunities.opportunity_id = covered.opportunity_id
where covered.opportunity_id is null
