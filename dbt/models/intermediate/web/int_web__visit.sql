-- Touches of a session: its start, and every later page that shows another click id or another set of campaign
-- parameters. The first sign of origin in the session is its start's, wherever in the session it stands.
{%- set session = 'stream_id, user_pseudo_id, ga_session_id' %}
with signs as (
    select
        events.*,
        first_value(events.page_location) over (
            partition by {{ session }} order by events.nth rows between unbounded preceding and unbounded following
        ) as landing_page,
        last_value(events.click_key ignore nulls) over (
            partition by {{ session }} order by events.nth rows between unbounded preceding and 1 preceding
        ) as click_key_before,
        last_value(events.utm_key ignore nulls) over (
            partition by {{ session }} order by events.nth rows between unbounded preceding and 1 preceding
        ) as utm_key_before
    from {{ ref('int_web__session_event') }} as events
    where events.click_key is not null or events.utm_key is not null
),

started as (
    select
        events.stream_id,
        events.user_pseudo_id,
        events.ga_session_id,
        min(events.occurred_at) as started_at,
        min(events.first_delivered_at) as first_delivered_at,
        count(distinct events.user_key) as users,
        min(events.user_key) as user_key,
        min(case when events.has_referrer then events.nth end) as referrer_nth
    from {{ ref('int_web__session_event') }} as events
    group by {{ session }}
),

-- Within a group of signs a click id beats every campaign parameter.
landed as (
    select
        signs.stream_id,
        signs.user_pseudo_id,
        signs.ga_session_id,
        arg_min(signs.click_id_type, signs.nth) filter (where signs.click_key is not null) as click_id_type,
        min(case when signs.click_key is not null then signs.nth end) as click_nth,
        min(case when signs.utm_key is not null then signs.nth end) as utm_nth
    from signs
    where signs.page_location = signs.landing_page
    group by {{ session }}
),

later as (
    select
        signs.stream_id,
        signs.user_pseudo_id,
        signs.ga_session_id,
        signs.page_location,
        min(signs.occurred_at) as occurred_at,
        min(signs.first_delivered_at) as first_delivered_at,
        arg_min(signs.click_id_type, signs.nth) filter (where signs.click_key is not null) as click_id_type,
        min(case when signs.click_key is not null then signs.nth end) as click_nth,
        min(case when signs.utm_key is not null then signs.nth end) as utm_nth
    from signs
    where
        signs.page_location <> signs.landing_page
        and (
            (signs.click_key is not null and signs.click_key is distinct from signs.click_key_before)
            or (signs.utm_key is not null and signs.utm_key is distinct from signs.utm_key_before)
        )
    group by {{ session }}, signs.page_location
),

touches as (
    select
        started.stream_id,
        started.user_pseudo_id,
        started.ga_session_id,
        1 as n,
        started.started_at as occurred_at,
        started.first_delivered_at,
        landed.click_id_type,
        landed.utm_nth,
        case when coalesce(landed.click_nth, landed.utm_nth) is null then started.referrer_nth end as referrer_nth
    from started
    left join landed
        on
            started.stream_id = landed.stream_id
            and started.user_pseudo_id = landed.user_pseudo_id
            and started.ga_session_id = landed.ga_session_id
    union all
    select
        later.stream_id,
        later.user_pseudo_id,
        later.ga_session_id,
        1 + row_number() over (
            partition by later.stream_id, later.user_pseudo_id, later.ga_session_id
            order by later.occurred_at, later.page_location
        ) as n,
        later.occurred_at,
        later.first_delivered_at,
        later.click_id_type,
        later.utm_nth,
        null as referrer_nth
    from later
)

select
    touches.stream_id,
    touches.user_pseudo_id,
    touches.ga_session_id,
    cast(touches.n as integer) as n,
    touches.occurred_at,
    touches.first_delivered_at,
    touches.click_id_type,
    utm.source as utm_source,
    utm.medium as utm_medium,
    utm.campaign as utm_campaign,
    utm.content as utm_content,
    referrals.referrer_host,
    referrals.referrer_kind,
    referrals.referrer_name,
    case when started.users = 1 then started.user_key end as session_user_key
from touches
inner join started
    on
        touches.stream_id = started.stream_id
        and touches.user_pseudo_id = started.user_pseudo_id
        and touches.ga_session_id = started.ga_session_id
left join {{ ref('int_web__session_event') }} as utm
    on
        touches.stream_id = utm.stream_id
        and touches.user_pseudo_id = utm.user_pseudo_id
        and touches.ga_session_id = utm.ga_session_id
        and touches.utm_nth = utm.nth
left join {{ ref('int_web__session_event') }} as referrals
    on
        touches.stream_id = referrals.stream_id
        and touches.user_pseudo_id = referrals.user_pseudo_id
        and touches.ga_session_id = referrals.ga_session_id
        and touches.referrer_nth = referrals.nth
