-- Spend from the company's own lists, one row per period, channel, campaign, geo and type of cost.
with ranked as (
    {{ ranked_deliveries(source('raw', 'channel_spend'), ['day', 'channel', 'campaign', 'geo', 'cost_type', 'currency']) }}
)

select
    ranked.day,
    coalesce(ranked.grain, 'day') as grain,
    trim(regexp_replace(lower(ranked.channel), '[^a-z0-9]+', '_', 'g'), '_') as channel,
    coalesce(ranked.campaign, '(none)') as campaign,
    ranked.geo,
    ranked.spend,
    coalesce(ranked.currency, 'XXX') as currency,
    ranked.impressions,
    ranked.clicks,
    ranked.platform_conversions,
    ranked.platform_revenue,
    coalesce(ranked.cost_type, 'media') as cost_type,
    ranked.vendor
from ranked
where ranked.recency = 1
