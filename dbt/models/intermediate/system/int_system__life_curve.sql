-- Shares published and killed by days since the brief, per week of the brief (Aalen-Johansen): open pieces are censored
-- and a kill competes with publication. Patterns run through the same: use is their publication, retirement their kill.
with lives as (
    select
        'piece' as kind,
        cast(date_trunc('week', pieces.briefed_at) as date) as week,
        pieces.ending,
        {{ microseconds_between('pieces.briefed_at', "coalesce(pieces.ended_at, " ~ as_of() ~ ")") }}
        / cast(86400000000 as double) as days
    from {{ ref('int_system__content_life') }} as pieces
    where pieces.briefed_at is not null and coalesce(pieces.ended_at >= pieces.briefed_at, true)
    union all
    select
        'pattern' as kind,
        cast(date_trunc('week', patterns.closed_at) as date) as week,
        patterns.ending,
        {{ microseconds_between('patterns.closed_at', "coalesce(patterns.ended_at, " ~ as_of() ~ ")") }}
        / cast(86400000000 as double) as days
    from {{ ref('int_system__pattern_life') }} as patterns
),

steps as (
    select
        lives.kind,
        lives.week,
        lives.days,
        cast(count(*) as double) as seen,
        cast(count(case when lives.ending = 'published' then 1 end) as double) as published,
        cast(count(case when lives.ending = 'killed' then 1 end) as double) as killed
    from lives
    group by lives.kind, lives.week, lives.days
),

at_risk as (
    select
        steps.*,
        sum(steps.seen) over (
            partition by steps.kind, steps.week order by steps.days rows between current row and unbounded following
        ) as open_before
    from steps
),

survived as (
    select
        at_risk.*,
        product(1 - (at_risk.published + at_risk.killed) / at_risk.open_before) over (
            partition by at_risk.kind, at_risk.week order by at_risk.days rows between unbounded preceding and current row
        ) as open_share,
        coalesce(
            product(1 - (at_risk.published + at_risk.killed) / at_risk.open_before) over (
                partition by at_risk.kind, at_risk.week
                order by at_risk.days rows between unbounded preceding and 1 preceding
            ),
            1
        ) as open_share_before
    from at_risk
)

select
    survived.kind,
    survived.week,
    survived.days,
    survived.seen,
    survived.published,
    survived.killed,
    survived.open_share,
    sum(survived.open_share_before * survived.published / survived.open_before) over (
        partition by survived.kind, survived.week order by survived.days
    ) as published_share,
    sum(survived.open_share_before * survived.killed / survived.open_before) over (
        partition by survived.kind, survived.week order by survived.days
    ) as killed_share
from survived
