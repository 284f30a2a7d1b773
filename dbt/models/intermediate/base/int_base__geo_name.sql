-- Every name under which a configured geo may be delivered.
with named as (
    select
        lower(geos.geo) as delivered_name,
        geos.geo,
        1 as preference
    from {{ source('ops', 'geo') }} as geos
    union all
    select
        lower(aliases.alias) as delivered_name,
        aliases.geo,
        2 as preference
    from (
        select
            geos.geo,
            unnest(geos.aliases) as alias
        from {{ source('ops', 'geo') }} as geos
    ) as aliases
),

ranked as (
    select
        named.delivered_name,
        named.geo,
        row_number() over (partition by named.delivered_name order by named.preference, named.geo) as choice
    from named
)

select
    ranked.delivered_name,
    ranked.geo
from ranked
where ranked.choice = 1
