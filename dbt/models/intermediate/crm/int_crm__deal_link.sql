-- Companies and contacts of every deal, from the deal's own lists and from the connector's link tables, in a fixed order.
with listed as (
    select
        deals.deal_id,
        'company' as kind,
        unnest({{ name_list('deals.company_ids') }}) as record_id,
        1 as preference
    from {{ ref('stg_hubspot__deal') }} as deals
    union all
    select
        deals.deal_id,
        'contact' as kind,
        unnest({{ name_list('deals.contact_ids') }}) as record_id,
        1 as preference
    from {{ ref('stg_hubspot__deal') }} as deals
    union all
    select
        links.from_id as deal_id,
        'company' as kind,
        links.to_id as record_id,
        2 as preference
    from {{ ref('stg_hubspot__link') }} as links
    where links.kind = 'deal_company'
    union all
    select
        links.from_id as deal_id,
        'contact' as kind,
        links.to_id as record_id,
        2 as preference
    from {{ ref('stg_hubspot__link') }} as links
    where links.kind = 'deal_contact'
),

resolved as (
    select
        listed.deal_id,
        listed.kind,
        case when listed.kind = 'contact' then coalesce(merged.stands_for, listed.record_id) else listed.record_id end
            as record_id,
        listed.preference
    from listed
    left join {{ ref('int_crm__merged_contact') }} as merged on listed.record_id = merged.contact_id and listed.kind = 'contact'
),

once as (
    select
        resolved.deal_id,
        resolved.kind,
        resolved.record_id,
        min(resolved.preference) as preference
    from resolved
    group by resolved.deal_id, resolved.kind, resolved.record_id
)

select
    once.deal_id,
    once.kind,
    once.record_id,
    row_number() over (partition by once.deal_id, once.kind order by once.preference, once.record_id) as nth
from once
