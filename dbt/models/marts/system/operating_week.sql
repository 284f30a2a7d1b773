-- Operating metrics by week, each with what it was divided by; a figure that the log does not allow has no row.
-- Cohort: week of the brief for how pieces end, week of the first decision for quality, week of the event for the rest.
{% set ratios = [
    ('first_hit_rate', 'reviewed', 'hits', 'decided'),
    ('brand_consistency', 'reviewed', 'passed', 'applicable'),
    ('touches', 'worked', 'touches', 'touched'),
    ('human_minutes', 'worked', 'human_minutes', 'timed'),
    ('minutes_per_published_piece', 'worked', 'human_minutes', 'published_timed'),
    ('tokens_per_published_piece', 'worked', 'tokens', 'published_metered'),
    ('delivered_cost_per_published_piece', 'worked', 'cost', 'published_priced'),
    ('published_per_person', 'people', 'published', 'people'),
    ('value_per_person', 'output', 'value', 'people'),
    ('delegable_share', 'delegated', 'delegable', 'human_minutes'),
] %}
with ends as (
    select
        curves.kind,
        curves.week,
        sum(curves.seen) as pieces,
        sum(curves.published) as published,
        sum(curves.killed) as killed,
        arg_max(curves.open_share, curves.days) as open_share,
        arg_max(curves.published_share, curves.days) as published_share,
        arg_max(curves.killed_share, curves.days) as killed_share
    from {{ ref('int_system__life_curve') }} as curves
    group by curves.kind, curves.week
),

-- Half of what gets published in the end, where the last open pieces end as those before them did; the middle of the gap
-- where exactly half lies between two publications.
halves as (
    select
        curves.kind,
        curves.week,
        curves.days,
        curves.published_share * (ends.published_share + ends.killed_share) / ends.published_share as share
    from {{ ref('int_system__life_curve') }} as curves
    inner join ends on curves.kind = ends.kind and curves.week = ends.week
    where ends.published > 0
),

typical as (
    select
        halves.kind,
        halves.week,
        (
            min(case when halves.share >= cast(0.4999999995 as double) then halves.days end)
            + min(case when halves.share > cast(0.5000000005 as double) then halves.days end)
        ) / 2 as days
    from halves
    group by halves.kind, halves.week
),

ended as (
    select
        ends.week,
        case ends.kind when 'piece' then 'cycle_time' else 'learning_speed' end as metric,
        case when ends.open_share <= cast(0.1 as double) then typical.days end as value,
        ends.published as numerator,
        ends.pieces as denominator
    from ends
    left join typical on ends.kind = typical.kind and ends.week = typical.week
    union all
    select
        ends.week,
        'kill_rate' as metric,
        case
            when ends.open_share <= cast(0.1 as double)
                then ends.killed_share / nullif(ends.published_share + ends.killed_share, 0)
        end as value,
        ends.killed as numerator,
        ends.pieces as denominator
    from ends
    where ends.kind = 'piece'
),

lives as (
    select
        pieces.*,
        cast(date_trunc('week', pieces.briefed_at) as date) as briefed_week,
        cast(date_trunc('week', pieces.first_decided_at) as date) as decided_week
    from {{ ref('content_life') }} as pieces
),

reviewed as (
    select
        lives.decided_week as week,
        cast(count(*) as double) as decided,
        cast(count(case when lives.is_first_hit then 1 end) as double) as hits,
        sum(case when lives.is_published then lives.brand_passed end) as passed,
        sum(case when lives.is_published then lives.brand_applicable end) as applicable,
        median(case when lives.is_published then lives.edit_ratio end) as edit_ratio,
        cast(count(case when lives.is_published then lives.edit_ratio end) as double) as edited
    from lives
    where lives.decided_week is not null
    group by lives.decided_week
),

worked as (
    select
        lives.briefed_week as week,
        cast(count(*) as double) as pieces,
        -- Per published piece, among the pieces that log the amount: what is not logged is unknown and not zero.
        cast(count(case when lives.is_published then lives.human_minutes end) as double) as published_timed,
        cast(count(case when lives.is_published then lives.tokens end) as double) as published_metered,
        cast(count(case when lives.is_published then lives.cost end) as double) as published_priced,
        cast(count(lives.touches) as double) as touched,
        cast(sum(lives.touches) as double) as touches,
        cast(count(lives.human_minutes) as double) as timed,
        sum(lives.human_minutes) as human_minutes,
        sum(lives.tokens) as tokens,
        cast(sum(lives.cost) as double) as cost
    from lives
    where lives.briefed_week is not null
    group by lives.briefed_week
),

-- What the week's results brought, where the log states it; pieces are compared by more than their number.
valued as (
    select
        tests.week,
        cast(sum(tests.value) as double) as value
    from {{ ref('hook_test') }} as tests
    group by tests.week
),

people as (
    select
        cast(date_trunc('week', events.occurred_at) as date) as week,
        cast(count(distinct case when events.actor_type in ('human', 'person') then events.actor_id end) as double) as people,
        cast(count(distinct case when events.type = 'published' then events.content_id end) as double) as published
    from {{ ref('stg_content__event') }} as events
    group by cast(date_trunc('week', events.occurred_at) as date)
),

output as (
    select
        people.week,
        people.people,
        valued.value
    from people
    inner join valued on people.week = valued.week
),

delegated as (
    select
        kinds.week,
        sum(case when kinds.is_delegable then kinds.human_minutes else 0 end) as delegable,
        sum(kinds.human_minutes) as human_minutes
    from {{ ref('int_system__delegable_week') }} as kinds
    group by kinds.week
),

measured as (
    select * from ended
    union all
    select
        rounds.week,
        'correction_loops' as metric,
        rounds.correction_loops as value,
        rounds.returns as numerator,
        reviewed.decided as denominator
    from {{ ref('int_system__review_round') }} as rounds
    inner join reviewed on rounds.week = reviewed.week
    union all
    select
        reviewed.week,
        'edit_ratio' as metric,
        reviewed.edit_ratio as value,
        null as numerator,
        reviewed.edited as denominator
    from reviewed
    {% for metric, cohort, numerator, denominator in ratios %}
        union all
        select
            {{ cohort }}.week,
            '{{ metric }}' as metric,
            {{ cohort }}.{{ numerator }} / nullif({{ cohort }}.{{ denominator }}, 0) as value,
            {{ cohort }}.{{ numerator }} as numerator,
            {{ cohort }}.{{ denominator }} as denominator
        from {{ cohort }}
    {% endfor %}
)

select
    measured.week,
    measured.metric,
    measured.value,
    measured.numerator,
    measured.denominator
from measured
where measured.week is not null and measured.value is not null
