-- Events of people who did not refuse analytics. The newest delivery replaces a whole day of a stream; files delivered on
-- one day complete each other, and an event that two of them hold is taken once.
{{ config(materialized='table') }}
with known as (
    select
        events.*,
        cast(events._delivered_at as date) as delivery_day,
        max(cast(events._delivered_at as date)) over (partition by events.event_date, events.stream_id) as newest_delivery_day,
        min(events._delivered_at) over (
            partition by events.stream_id, events.user_pseudo_id, events.ga_session_id, events.event_name, events.event_timestamp
        ) as first_delivered_at,
        row_number() over (
            partition by
                events.event_date, events.stream_id, events.user_pseudo_id, events.ga_session_id, events.event_name,
                events.event_timestamp, events.page_location, events.source, events.medium, events.campaign, events.click_id,
                events.transaction_id
            order by events._delivered_at desc, events._batch_id desc, events._row desc
        ) as recency
    from {{ source('raw', 'ga4') }} as events
    where events._delivered_at <= {{ as_of() }}
)

select
    known.event_date as property_day,
    make_timestamp(known.event_timestamp) as occurred_at,
    known.event_name,
    coalesce(known.stream_id, '') as stream_id,
    known.user_pseudo_id,
    known.user_key,
    known.ga_session_id,
    known.page_location,
    known.page_referrer,
    nullif(lower(trim(known.source)), '') as source,
    nullif(lower(trim(known.medium)), '') as medium,
    nullif(trim(known.campaign), '') as campaign,
    nullif(trim(known.content), '') as content,
    lower(known.click_id_type) as click_id_type,
    case when known.click_id_type is not null then sha256(coalesce(known.click_id, '')) end as click_key,
    known.ads_storage,
    known.analytics_storage,
    known.transaction_id,
    known.purchase_revenue,
    known.refund_value,
    known.currency,
    known.first_delivered_at
from known
where
    known.recency = 1
    and known.delivery_day = known.newest_delivery_day
    and lower(coalesce(known.analytics_storage, 'yes')) not in ('no', 'denied', 'false', '0')
