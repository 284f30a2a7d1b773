-- Contacts that were merged away, and the one that stands for them now; chains are followed to their end, twenty at most,
-- so that a circle in the export cannot hang a run.
with recursive chains as (
    select
        links.from_id as contact_id,
        links.to_id as stands_for,
        1 as depth
    from {{ ref('stg_hubspot__link') }} as links
    where links.kind = 'contact_merge' and links.from_id <> links.to_id
    union all
    select
        chains.contact_id,
        links.to_id as stands_for,
        chains.depth + 1 as depth
    from chains
    inner join {{ ref('stg_hubspot__link') }} as links
        on chains.stands_for = links.from_id and links.kind = 'contact_merge' and links.from_id <> links.to_id
    where chains.depth < 20 and links.to_id <> chains.contact_id
),

ranked as (
    select
        chains.contact_id,
        chains.stands_for,
        row_number() over (partition by chains.contact_id order by chains.depth desc, chains.stands_for) as choice
    from chains
)

select
    ranked.contact_id,
    ranked.stands_for
from ranked
where ranked.choice = 1
