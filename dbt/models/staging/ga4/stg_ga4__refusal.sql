-- Refusals of analytics: how many events a day, and the last refusal of each person who was logged in.
with refused as (
    select
        events.event_date as day,
        events.event_name,
        events.user_key,
        make_timestamp(events.event_timestamp) as occurred_at,
        cast(events._delivered_at as date) as delivery_day,
        max(cast(events._delivered_at as date)) over (partition by events.event_date, events.stream_id) as newest_delivery_day,
        events.analytics_storage
    from {{ source('raw', 'ga4') }} as events
    where events._delivered_at <= {{ as_of() }}
)

select
    refused.day,
    refused.event_name,
    refused.user_key,
    count(*) as events,
    max(refused.occurred_at) as refused_at
from refused
where
    refused.delivery_day = refused.newest_delivery_day
    and lower(coalesce(refused.analytics_storage, 'yes')) in ('no', 'denied', 'false', '0')
group by refused.day, refused.event_name, refused.user_key
