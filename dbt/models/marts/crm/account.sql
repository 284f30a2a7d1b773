-- Companies in the CRM, or named by its contacts and deals.
with named as (
    select
        companies.company_id,
        companies.domain,
        companies.industry
    from {{ ref('stg_hubspot__company') }} as companies
    union all
    select
        contacts.company_id,
        null as domain,
        null as industry
    from {{ ref('int_crm__contact') }} as contacts
    where contacts.company_id is not null
    union all
    select
        links.record_id as company_id,
        null as domain,
        null as industry
    from {{ ref('int_crm__deal_link') }} as links
    where links.kind = 'company' and links.nth = 1
)

select
    {{ account_of_company('named.company_id') }} as account_key,
    list_sort(list(distinct 'hubspot:' || named.company_id)) as crm_ids,
    list_sort(coalesce(list(distinct named.domain) filter (where named.domain is not null), [])) as domains,
    max(named.industry) as industry
from named
group by named.company_id
