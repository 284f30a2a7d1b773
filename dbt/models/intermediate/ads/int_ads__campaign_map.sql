-- Channel and geo of every campaign name: the first rule of its source whose pattern is found in it.
with campaigns as (
    select distinct
        lines.source,
        lines.delivered_channel,
        lines.campaign
    from {{ ref('int_ads__spend_line') }} as lines
),

matched as (
    select
        campaigns.source,
        campaigns.delivered_channel,
        campaigns.campaign,
        rules.channel,
        row_number() over (
            partition by campaigns.source, campaigns.delivered_channel, campaigns.campaign
            order by rules.priority, rules.channel, rules.match
        ) as choice
    from campaigns
    inner join {{ source('ops', 'channel_rule') }} as rules
        on campaigns.source = rules.source and regexp_matches(campaigns.campaign, rules.match)
),

located as (
    select
        campaigns.source,
        campaigns.delivered_channel,
        campaigns.campaign,
        geos.geo,
        row_number() over (
            partition by campaigns.source, campaigns.delivered_channel, campaigns.campaign order by geos.geo
        ) as choice
    from campaigns
    inner join {{ source('ops', 'geo') }} as geos
        on regexp_matches(campaigns.campaign, geos.match)
),

channelled as (
    select
        campaigns.source,
        campaigns.delivered_channel,
        campaigns.campaign,
        coalesce(matched.channel, campaigns.delivered_channel, campaigns.source) as channel,
        located.geo
    from campaigns
    left join matched
        on
            campaigns.source = matched.source
            and campaigns.delivered_channel is not distinct from matched.delivered_channel
            and campaigns.campaign = matched.campaign
            and matched.choice = 1
    left join located
        on
            campaigns.source = located.source
            and campaigns.delivered_channel is not distinct from located.delivered_channel
            and campaigns.campaign = located.campaign
            and located.choice = 1
),

defaults as (
    select
        channels.channel,
        max(channels.default_geo) as default_geo
    from {{ source('ops', 'channel') }} as channels
    group by channels.channel
)

select
    channelled.source,
    channelled.delivered_channel,
    channelled.campaign,
    channelled.channel,
    coalesce(channelled.geo, defaults.default_geo) as geo_without_delivery
from channelled
left join defaults on channelled.channel = defaults.channel
