-- Source and medium of every visit: click ids first, then campaign parameters, then the referrer, else direct. fbclid
-- proves Facebook or Instagram, not a paid click: people share such links.
select
    visits.stream_id,
    visits.user_pseudo_id,
    visits.ga_session_id,
    visits.n,
    visits.occurred_at,
    visits.first_delivered_at,
    visits.click_id_type,
    visits.utm_source,
    visits.utm_medium,
    visits.utm_campaign,
    visits.utm_content,
    visits.referrer_host,
    visits.referrer_kind,
    visits.referrer_name,
    visits.session_user_key,
    case
        when visits.click_id_type in ('gclid', 'gbraid', 'wbraid') then 'google'
        when visits.click_id_type = 'msclkid' then 'bing'
        when visits.click_id_type = 'ttclid' then 'tiktok'
        when visits.click_id_type = 'li_fat_id' then 'linkedin'
        when visits.click_id_type = 'srsltid' then 'google'
        when visits.click_id_type = 'fbclid' then coalesce(visits.utm_source, 'facebook')
        when visits.click_id_type = 'dclid' then coalesce(visits.utm_source, 'google')
        when coalesce(visits.utm_source, visits.utm_medium, visits.utm_campaign) is not null
            then coalesce(visits.utm_source, '(not set)')
        when visits.referrer_host is not null then coalesce(visits.referrer_name, visits.referrer_host)
        else '(direct)'
    end as source,
    case
        when visits.click_id_type in ('gclid', 'gbraid', 'wbraid', 'msclkid') then 'cpc'
        when visits.click_id_type in ('ttclid', 'li_fat_id') then 'paid'
        when visits.click_id_type = 'srsltid' then 'organic'
        when visits.click_id_type = 'fbclid' then coalesce(visits.utm_medium, 'social')
        when visits.click_id_type = 'dclid' then 'display'
        when coalesce(visits.utm_source, visits.utm_medium, visits.utm_campaign) is not null
            then coalesce(visits.utm_medium, '(not set)')
        when visits.referrer_kind = 'search' then 'organic'
        when visits.referrer_kind in ('ai_assistant', 'social', 'video') then visits.referrer_kind
        when visits.referrer_host is not null then 'referral'
        else '(none)'
    end as medium,
    {{ person_of_device('visits.stream_id', 'visits.user_pseudo_id') }} as device_key,
    case
        when visits.session_user_key is not null then visits.session_user_key
        when devices.is_shared then null
        when visits.occurred_at >= devices.first_login_at - interval 30 day then devices.user_key
    end as user_key
from {{ ref('int_web__visit') }} as visits
left join {{ ref('int_web__device_user') }} as devices
    on visits.stream_id = devices.stream_id and visits.user_pseudo_id = devices.user_pseudo_id
