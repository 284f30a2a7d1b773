-- Spend from the company's own lists, one row per period, channel, campaign, geo and type of cost.
with ranked as (
    {{ own_lines(
        source('raw', 'channel_spend'),
        ['delivered.day', channel_word('delivered.channel'), "coalesce(delivered.cost_type, 'media')"],
        ['campaign', 'geo'],
    ) | indent(4) }}
)

select
    ranked.day,
    coalesce(ranked.grain, 'day') as grain,
    {{ channel_word('ranked.channel') }} as channel,
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
