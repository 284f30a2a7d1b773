-- Events in their sessions, in order, with what each says about where the visitor came from.
with hosts as (
    select distinct {{ host_of('events.page_location') }} as host
    from {{ ref('stg_ga4__event') }} as events
),

referrers as (
    select distinct {{ host_of('events.page_referrer') }} as host
    from {{ ref('stg_ga4__event') }} as events
),

-- The site's own hosts are those of its pages; a referrer under one of them is no visit from outside.
outside as (
    select
        referrers.host,
        known.kind,
        known.name,
        row_number() over (partition by referrers.host order by length(known.host) desc, known.host) as choice
    from referrers
    left join {{ ref('referrer_host') }} as known on {{ is_or_ends_with('referrers.host', 'known.host') }}
    where
        referrers.host is not null
        and not exists (
            select 1 as own
            from hosts
            where hosts.host is not null and {{ is_or_ends_with('referrers.host', 'hosts.host') }}
        )
)

select
    events.stream_id,
    events.user_pseudo_id,
    events.ga_session_id,
    events.occurred_at,
    events.event_name,
    events.user_key,
    coalesce(events.page_location, '') as page_location,
    events.source,
    events.medium,
    events.campaign,
    events.content,
    events.click_id_type,
    case when events.click_id_type is not null then events.click_id_type || '|' || events.click_key end as click_key,
    case
        when
            coalesce(events.source, events.medium, events.campaign) is not null
            and coalesce(events.source, '') <> '(direct)'
            then coalesce(events.source, '') || '|' || coalesce(events.medium, '') || '|' || coalesce(events.campaign, '')
    end as utm_key,
    case when coalesce(outside.kind, '') <> 'ignored' then outside.host end as referrer_host,
    case when coalesce(outside.kind, '') <> 'ignored' then outside.kind end as referrer_kind,
    case when coalesce(outside.kind, '') <> 'ignored' then outside.name end as referrer_name,
    events.page_referrer is not null as has_referrer,
    events.first_delivered_at,
    row_number() over (
        partition by events.stream_id, events.user_pseudo_id, events.ga_session_id
        order by
            events.occurred_at, events.event_name, events.page_location, events.source, events.medium, events.campaign,
            events.click_key, events.transaction_id
    ) as nth
from {{ ref('stg_ga4__event') }} as events
left join outside on {{ host_of('events.page_referrer') }} = outside.host and outside.choice = 1
where events.user_pseudo_id is not null and events.ga_session_id is not null
