-- Channel of every combination of source, medium and campaign: the workspace's rules first, then GA4's grouping. A direct
-- visit meets only a rule that names it.
with origins as (
    select distinct
        visits.source,
        visits.medium,
        coalesce(visits.utm_campaign, '') as campaign
    from {{ ref('int_web__sourced_visit') }} as visits
),

ruled as (
    select
        origins.source,
        origins.medium,
        origins.campaign,
        rules.channel,
        row_number() over (
            partition by origins.source, origins.medium, origins.campaign
            order by rules.priority, rules.channel, rules.source, rules.medium
        ) as choice
    from origins
    inner join {{ source('ops', 'utm_rule') }} as rules
        on
            regexp_matches(origins.source, coalesce(rules.source, '.'), 'i')
            and regexp_matches(origins.medium, coalesce(rules.medium, '.'), 'i')
            and (rules.campaign is null or regexp_matches(origins.campaign, rules.campaign, 'i'))
            and (origins.source <> '(direct)' or rules.source not in ('.', '.*', '.+') or rules.medium not in ('.', '.*', '.+'))
),

kinds as (
    select
        origins.source,
        origins.medium,
        origins.campaign,
        known.kind,
        row_number() over (
            partition by origins.source, origins.medium, origins.campaign order by length(known.host) desc, known.host
        ) as choice
    from origins
    inner join {{ ref('referrer_host') }} as known
        on origins.source = known.name or {{ is_or_ends_with('origins.source', 'known.host') }}
    where known.kind <> 'ignored'
)

select
    origins.source,
    origins.medium,
    origins.campaign,
    coalesce(
        ruled.channel,
        {{ default_channel('origins.source', 'origins.medium', 'lower(origins.campaign)', "coalesce(kinds.kind, '')") }}
    ) as channel
from origins
left join ruled
    on
        origins.source = ruled.source
        and origins.medium = ruled.medium
        and origins.campaign = ruled.campaign
        and ruled.choice = 1
left join kinds
    on
        origins.source = kinds.source
        and origins.medium = kinds.medium
        and origins.campaign = kinds.campaign
        and kinds.choice = 1
