-- The last consent to analytics of each logged-in person; anyone who refused last is left out of all models downstream.
with agreed as (
    select
        events.user_key,
        max(events.occurred_at) as agreed_at
    from {{ ref('stg_ga4__event') }} as events
    where events.user_key is not null
    group by events.user_key
),

refused as (
    select
        refusals.user_key,
        max(refusals.refused_at) as refused_at
    from {{ ref('stg_ga4__refusal') }} as refusals
    where refusals.user_key is not null
    group by refusals.user_key
)

select
    coalesce(agreed.user_key, refused.user_key) as user_key,
    {{ person_of_address('coalesce(agreed.user_key, refused.user_key)') }} as person_key,
    refused.refused_at is null or coalesce(agreed.agreed_at > refused.refused_at, false) as consent_analytics
from agreed
full outer join refused on agreed.user_key = refused.user_key
