-- People of the CRM: contacts with one address are one person, in the account of the contact that was made last.
with ranked as (
    select
        contacts.*,
        row_number() over (
            partition by contacts.person_key
            order by
                case when contacts.account_key is null then 1 else 0 end,
                case when contacts.is_deleted then 1 else 0 end,
                contacts.created_at desc nulls last,
                contacts.contact_id
        ) as choice
    from {{ ref('int_crm__contact') }} as contacts
)

select
    ranked.person_key,
    max(ranked.email_hash) as email_hash,
    list_sort(list('hubspot:' || ranked.contact_id)) as crm_ids,
    max(case when ranked.choice = 1 then ranked.account_key end) as account_key,
    min(ranked.created_at) as first_seen,
    min(
        case when coalesce(ranked.lifecycle_stage, 'lead') not in ('subscriber', 'other') then ranked.created_at end
    ) as lead_at,
    bool_and(ranked.is_deleted) as deleted
from ranked
group by ranked.person_key
