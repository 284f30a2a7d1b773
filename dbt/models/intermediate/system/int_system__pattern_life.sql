-- From closed evidence to the first use of a promoted pattern; one that was retired unused has ended without.
with moments as (
    select
        {{ payload_text('events.payload', 'pattern_id') }} as pattern_id,
        min(case when events.type = 'evidence_closed' then events.occurred_at end) as closed_at,
        min(case when events.type = 'pattern_applied' then events.occurred_at end) as applied_at,
        min(case when events.type = 'pattern_retired' then events.occurred_at end) as retired_at,
        bool_or(events.type = 'pattern_promoted') as is_promoted
    from {{ ref('stg_content__event') }} as events
    where events.type in ('evidence_closed', 'pattern_applied', 'pattern_promoted', 'pattern_retired')
    group by {{ payload_text('events.payload', 'pattern_id') }}
)

select
    moments.pattern_id,
    moments.closed_at,
    case
        when moments.applied_at <= coalesce(moments.retired_at, moments.applied_at) then 'published'
        when moments.retired_at is not null then 'killed'
        else 'open'
    end as ending,
    least(moments.applied_at, moments.retired_at) as ended_at
from moments
where
    moments.is_promoted
    and moments.pattern_id is not null
    and moments.closed_at is not null
    and coalesce(least(moments.applied_at, moments.retired_at) >= moments.closed_at, true)
