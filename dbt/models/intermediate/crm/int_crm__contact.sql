-- Contacts with the person and the account behind them: the company the CRM names, else the one company that owns the
-- address's domain, free-mail domains left out.
with domains as (
    select
        companies.domain,
        min(companies.company_id) as company_id
    from {{ ref('stg_hubspot__company') }} as companies
    left join {{ ref('free_mail_domain') }} as free_mail on companies.domain = free_mail.domain
    where companies.domain is not null and not companies.is_deleted and free_mail.domain is null
    group by companies.domain
    having count(*) = 1
),

contacts as (
    select
        contacts.contact_id,
        coalesce(merged.stands_for, contacts.contact_id) as stands_for,
        contacts.email_hash,
        contacts.email_domain,
        ({{ name_list('contacts.company_ids') }})[1] as company_id,
        contacts.created_at,
        contacts.lifecycle_stage,
        contacts.self_reported,
        contacts.is_deleted,
        contacts.delivered_at
    from {{ ref('stg_hubspot__contact') }} as contacts
    left join {{ ref('int_crm__merged_contact') }} as merged on contacts.contact_id = merged.contact_id
),

survivors as (
    select
        contacts.contact_id,
        contacts.email_hash
    from contacts
    where contacts.contact_id = contacts.stands_for
)

select
    contacts.contact_id,
    {{ person_of_contact('contacts.stands_for', 'coalesce(survivors.email_hash, contacts.email_hash)') }} as person_key,
    coalesce(survivors.email_hash, contacts.email_hash) as email_hash,
    coalesce(contacts.company_id, domains.company_id) as company_id,
    {{ account_of_company('coalesce(contacts.company_id, domains.company_id)') }} as account_key,
    contacts.created_at,
    contacts.lifecycle_stage,
    contacts.self_reported,
    contacts.is_deleted,
    contacts.delivered_at
from contacts
left join survivors on contacts.stands_for = survivors.contact_id
left join domains on contacts.email_domain = domains.domain
