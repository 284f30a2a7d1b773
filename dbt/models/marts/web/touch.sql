-- Touches: visits of the site, with their channel, by people who did not refuse analytics.
with people as (
    select
        visits.*,
        coalesce({{ person_of_address('visits.user_key') }}, visits.device_key) as person_key
    from {{ ref('int_web__sourced_visit') }} as visits
)

select
    {{ surrogate_key(["'ga4'", 'people.stream_id', 'people.user_pseudo_id', 'people.ga_session_id', 'people.n']) }} as touch_id,
    people.person_key,
    crm.account_key,
    people.occurred_at,
    'second' as time_precision,
    {{ business_day('people.occurred_at', 'current_run.time_zone') }} as day,
    origins.channel,
    people.utm_campaign as campaign,
    people.utm_content as content_id,
    'ga4' as source_system,
    'visit' as touch_type,
    people.source,
    people.medium,
    people.referrer_host,
    people.click_id_type,
    {{ is_paid_medium('people.medium') }} as is_paid,
    people.source = '(direct)' as is_direct,
    people.n > 1 as mid_session,
    people.first_delivered_at
from people
cross join {{ ref('int_base__current_run') }} as current_run
inner join {{ ref('int_web__origin') }} as origins
    on
        people.source = origins.source
        and people.medium = origins.medium
        and coalesce(people.utm_campaign, '') = origins.campaign
left join {{ ref('int_crm__person') }} as crm on people.person_key = crm.person_key
left join {{ ref('int_web__consent') }} as consents on people.person_key = consents.person_key
where coalesce(consents.consent_analytics, true) and people.occurred_at <= current_run.as_of
