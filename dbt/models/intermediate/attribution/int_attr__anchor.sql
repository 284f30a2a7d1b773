-- The anchors of the stage models: the last touch at or before the lead of the first person, and at or before the deal.
with leads as (
    select
        people.opportunity_id,
        min(crm.lead_at) as lead_at
    from {{ ref('int_crm__opportunity_person') }} as people
    inner join {{ ref('int_crm__person') }} as crm on people.person_key = crm.person_key
    group by people.opportunity_id
),

opened as (
    select
        entries.opportunity_id,
        min(entries.entered_at) as opened_at
    from {{ ref('opportunity_stage') }} as entries
    where entries.stage = 'opportunity'
    group by entries.opportunity_id
),

dates as (
    select
        units.conversion_id,
        case when units.stage = 'lead' then units.occurred_at else leads.lead_at end as lead_at,
        opened.opened_at
    from {{ ref('int_attr__unit') }} as units
    left join leads on units.opportunity_id = leads.opportunity_id
    left join opened on units.opportunity_id = opened.opportunity_id
)

select
    touches.conversion_id,
    max(case when touches.occurred_at <= dates.lead_at then touches.position end) as lead_position,
    max(case when touches.occurred_at <= dates.opened_at then touches.position end) as opportunity_position
from {{ ref('int_attr__conversion_touch') }} as touches
inner join dates on touches.conversion_id = dates.conversion_id
group by touches.conversion_id
