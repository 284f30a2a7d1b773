-- What was spent, from every source, at one level per platform, account, day and campaign. Levels of one platform never add
-- up to the same number, so they are never unioned: a whole level (nine tenths of the most impressions that any has) before a
-- filtered one, then what was told three days or more after the day before what was told earlier, then campaign (it holds
-- campaigns without ads), then ad (what Meta's connector delivers), then ad group. The account level, which knows no campaign,
-- counts only for an account's day without any.
{%- set platforms = ['google_ads', 'meta_ads', 'linkedin_ads', 'microsoft_ads', 'tiktok_ads'] %}
with platform_rows as (
    {%- for platform in platforms %}
        select
            rows_of_day.source,
            rows_of_day.account_id,
            rows_of_day.level,
            rows_of_day.day,
            rows_of_day.campaign,
            coalesce(rows_of_day.entity, rows_of_day.campaign) as entity,
            coalesce(rows_of_day.said_on, rows_of_day.day + 3) as said_on,
            rows_of_day.geo,
            rows_of_day.currency,
            rows_of_day.day_basis,
            rows_of_day.spend,
            rows_of_day.impressions,
            rows_of_day.clicks,
            rows_of_day.platform_conversions,
            rows_of_day.platform_revenue
        from {{ ref('stg_' ~ platform ~ '__ad_day') }} as rows_of_day
        {%- if not loop.last %}
            union all
        {%- endif %}
    {%- endfor %}
),

said as (
    select
        platform_rows.*,
        sum(platform_rows.impressions) over (
            partition by
                platform_rows.source, platform_rows.account_id, platform_rows.day, platform_rows.entity, platform_rows.level
        ) as said_impressions
    from platform_rows
),

-- A level that was filtered, or that knows only part of a campaign, says less than another: it may not replace the whole.
weighed as (
    select
        said.*,
        coalesce(
            said.said_impressions
            >= 0.9 * max(said.said_impressions) over (partition by said.source, said.account_id, said.day, said.entity),
            true
        ) as is_whole
    from said
),

levelled as (
    select
        platform_rows.*,
        dense_rank() over (
            partition by platform_rows.source, platform_rows.account_id, platform_rows.day, platform_rows.entity
            order by
                platform_rows.is_whole desc,
                platform_rows.said_on >= platform_rows.day + 3 desc,
                case when platform_rows.said_on < platform_rows.day + 3 then platform_rows.said_on end desc nulls last,
                case platform_rows.level when 'campaign' then 1 when 'ad' then 2 when 'ad_group' then 3 else 4 end
        ) as level_choice,
        bool_or(platform_rows.level <> 'account') over (
            partition by platform_rows.source, platform_rows.account_id, platform_rows.day
        ) as knows_campaigns
    from weighed as platform_rows
)

select
    levelled.source,
    levelled.account_id,
    levelled.level,
    'day' as grain,
    levelled.day,
    cast(null as varchar) as delivered_channel,
    levelled.campaign,
    levelled.geo as delivered_geo,
    'media' as cost_type,
    levelled.currency,
    levelled.day_basis,
    levelled.day > {{ as_of_day() }} - 3 as provisional,
    levelled.spend,
    levelled.impressions,
    levelled.clicks,
    levelled.platform_conversions,
    levelled.platform_revenue
from levelled
where levelled.level_choice = 1 and (levelled.level <> 'account' or not levelled.knows_campaigns)
union all
select
    'channel_spend' as source,
    '' as account_id,
    'campaign' as level,
    lines.grain,
    lines.day,
    lines.channel as delivered_channel,
    lines.campaign,
    lines.geo as delivered_geo,
    lines.cost_type,
    lines.currency,
    'business' as day_basis,
    false as provisional,
    lines.spend,
    lines.impressions,
    lines.clicks,
    lines.platform_conversions,
    lines.platform_revenue
from {{ ref('stg_channel_spend__line') }} as lines
