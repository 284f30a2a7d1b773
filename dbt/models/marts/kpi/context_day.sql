-- Other influences on the outcome, one value per day, region and name.
with placed as (
    select
        delivered.day,
        {{ geo_of('delivered.geo', 'geo_names') }} as geo,
        delivered.name,
        delivered.value,
        delivered.role,
        delivered.grain,
        delivered.delivered_at,
        delivered.geo as delivered_geo
    from {{ ref('stg_context__value') }} as delivered
    left join {{ ref('int_base__geo_name') }} as geo_names
        on lower(trim(delivered.geo)) = geo_names.delivered_name
),

ranked as (
    select
        placed.*,
        row_number() over (
            partition by placed.day, placed.geo, placed.name order by placed.delivered_at desc, placed.delivered_geo
        ) as choice
    from placed
)

select
    ranked.day,
    ranked.geo,
    ranked.name,
    cast(ranked.value as double) as value,
    ranked.role,
    ranked.grain
from ranked
where ranked.choice = 1
