-- What each channel cost on a day, as the platforms and the company's own files say it.
with placed as (
    select
        lines.day,
        campaigns.channel,
        lines.campaign,
        {{ geo_of('lines.delivered_geo', 'geo_names', 'campaigns.geo_without_delivery') }} as geo,
        lines.source,
        lines.cost_type,
        lines.currency,
        lines.grain,
        lines.spend,
        lines.impressions,
        lines.clicks,
        lines.platform_conversions,
        lines.platform_revenue,
        lines.day_basis,
        lines.provisional
    from {{ ref('int_ads__spend_line') }} as lines
    inner join {{ ref('int_ads__campaign_map') }} as campaigns
        on
            lines.source = campaigns.source
            and lines.delivered_channel is not distinct from campaigns.delivered_channel
            and lines.campaign = campaigns.campaign
    left join {{ ref('int_base__geo_name') }} as geo_names
        on lower(trim(lines.delivered_geo)) = geo_names.delivered_name
),

summed as (
    select
        placed.day,
        placed.channel,
        placed.campaign,
        placed.geo,
        placed.source,
        placed.cost_type,
        placed.currency,
        min(placed.grain) as grain,
        sum(coalesce(placed.spend, 0)) as spend,
        sum(placed.impressions) as impressions,
        sum(placed.clicks) as clicks,
        sum(placed.platform_conversions) as platform_conversions,
        sum(placed.platform_revenue) as platform_revenue,
        min(placed.day_basis) as day_basis,
        bool_or(placed.provisional) as provisional
    from placed
    group by
        placed.day, placed.channel, placed.campaign, placed.geo, placed.source, placed.cost_type, placed.currency
)

select
    summed.day,
    summed.channel,
    summed.campaign,
    summed.geo,
    summed.source,
    summed.cost_type,
    summed.currency,
    summed.grain,
    cast(summed.spend as decimal(38, 6)) as spend,
    {{ in_report_currency('summed.spend', 'rates.rate') }} as spend_report,
    cast(summed.impressions as bigint) as impressions,
    cast(summed.clicks as bigint) as clicks,
    cast(summed.platform_conversions as decimal(38, 6)) as platform_conversions,
    cast(summed.platform_revenue as decimal(38, 6)) as platform_revenue,
    summed.day_basis,
    summed.provisional
from summed
left join {{ ref('int_base__fx_rate') }} as rates
    on summed.currency = rates.from_currency and summed.day between rates.valid_from and rates.valid_until
