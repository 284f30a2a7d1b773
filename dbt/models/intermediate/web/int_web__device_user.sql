-- Who uses a device: the one person who ever logged in on it, from a month before the first login on. A device with two
-- or more users is assigned to none.
with logins as (
    select
        events.stream_id,
        events.user_pseudo_id,
        count(distinct events.user_key) as users,
        min(events.user_key) as user_key,
        min(events.occurred_at) as first_login_at
    from {{ ref('stg_ga4__event') }} as events
    where events.user_key is not null and events.user_pseudo_id is not null
    group by events.stream_id, events.user_pseudo_id
)

select
    logins.stream_id,
    logins.user_pseudo_id,
    logins.users > 1 as is_shared,
    case when logins.users = 1 then logins.user_key end as user_key,
    logins.first_login_at
from logins
