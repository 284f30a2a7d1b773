-- Everyone known to the CRM, the site or the shop who did not refuse analytics; one row per person across all systems.
with crm as (
    select
        people.person_key,
        people.email_hash,
        people.crm_ids,
        people.account_key,
        people.first_seen,
        people.deleted
    from {{ ref('int_crm__person') }} as people
),

web as (
    select
        coalesce({{ person_of_address('visits.user_key') }}, visits.device_key) as person_key,
        max(visits.user_key) as user_key,
        min(visits.occurred_at) as first_seen
    from {{ ref('int_web__sourced_visit') }} as visits
    group by coalesce({{ person_of_address('visits.user_key') }}, visits.device_key)
),

shop as (
    select
        {{ person_of_address('orders.customer_key') }} as person_key,
        min(orders.ordered_at) as first_seen
    from {{ ref('stg_revenue__order') }} as orders
    where orders.customer_key is not null
    group by {{ person_of_address('orders.customer_key') }}
),

ads_consent as (
    select
        {{ person_of_address('events.user_key') }} as person_key,
        bool_and(lower(coalesce(events.ads_storage, 'yes')) in ('yes', 'granted', 'true', '1')) as consent_ads
    from {{ ref('stg_ga4__event') }} as events
    where events.user_key is not null and events.ads_storage is not null
    group by {{ person_of_address('events.user_key') }}
),

keys as (
    select crm.person_key from crm
    union
    select web.person_key from web
    union
    select shop.person_key from shop
)

select
    keys.person_key,
    coalesce(crm.email_hash, web.user_key) as email_hash,
    coalesce(crm.crm_ids, cast([] as varchar[])) as crm_ids,
    crm.account_key,
    least(crm.first_seen, web.first_seen, shop.first_seen) as first_seen,
    case when web.person_key is not null then coalesce(consents.consent_analytics, true) else consents.consent_analytics end
        as consent_analytics,
    ads_consent.consent_ads,
    coalesce(crm.deleted, false) as deleted
from keys
left join crm on keys.person_key = crm.person_key
left join web on keys.person_key = web.person_key
left join shop on keys.person_key = shop.person_key
left join {{ ref('int_web__consent') }} as consents on keys.person_key = consents.person_key
left join ads_consent on keys.person_key = ads_consent.person_key
where coalesce(consents.consent_analytics, true) or crm.person_key is not null or shop.person_key is not null
