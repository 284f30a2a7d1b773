-- One row per piece of content, finished or not: what happened to it, what it cost, and how much of it was rewritten.
select
    lives.content_id,
    lives.brief_id,
    lives.task_kind,
    lives.channel,
    lives.by_agent,
    lives.briefed_at,
    lives.decided_at as first_decided_at,
    case when lives.decided_at is not null then lives.is_first_hit end as is_first_hit,
    cast(lives.returns as bigint) as returns,
    lives.review_closed,
    lives.ended_at,
    lives.ending,
    lives.killed_by,
    lives.ending = 'published' as is_published,
    lives.is_corrected,
    case when checks.content_id is not null then checks.passed end as brand_passed,
    checks.applicable as brand_applicable,
    edits.edit_ratio,
    edits.edit_basis,
    cast(touches.touches as bigint) as touches,
    lives.human_minutes,
    lives.tokens,
    costs.cost,
    cast(coalesce(costs.unpriced, 0) as bigint) as unpriced
from {{ ref('int_system__content_life') }} as lives
left join {{ ref('int_system__brand_check') }} as checks on lives.content_id = checks.content_id
left join {{ ref('int_system__edit') }} as edits on lives.content_id = edits.content_id
left join {{ ref('int_system__touch') }} as touches on lives.content_id = touches.content_id
left join {{ ref('int_system__cost') }} as costs on lives.content_id = costs.content_id
