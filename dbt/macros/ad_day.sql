{#- One ad platform's day rows: the newest delivery of each (account, level, day, campaign, ad group, ad, geo), its segments
    summed, its names and currency taken from the newest history row where the delivery itself has none.

    A later delivery replaces all segments of a key, so a row that once came split by device and now comes whole is not
    counted twice; files delivered on one day complete each other. With `complete_days` the newest file of an account's
    day replaces that whole day, campaigns that vanished included. -#}
{% macro ad_day(platform) %}
{%- set key = ['account_id', 'level', 'day', 'campaign_id', 'campaign', 'ad_group_id', 'ad_group', 'ad_id', 'ad', 'geo'] %}
{%- set objects = ref('stg_' ~ platform ~ '__object') %}
with choice as (
    select
        coalesce(bool_or(chosen.complete_days), false) as complete_days,
        max(chosen.currency) as currency,
        max(chosen.account_id) as account_id
    from {{ source('ops', 'source_option') }} as chosen
    where chosen.source = '{{ platform }}'
),

delivered as (
    select
        facts.*,
        rank() over (
            partition by {{ key | join(', ') }}, segment
            order by facts._delivered_at desc, facts._batch_id desc
        ) as recency,
        max(cast(facts._delivered_at as date)) over (partition by {{ key | join(', ') }}) as newest_day_of_key,
        rank() over (
            partition by account_id, level, day
            order by facts._delivered_at desc, facts._batch_id desc
        ) as recency_of_day
    from {{ source('raw', platform) }} as facts
    where facts._delivered_at <= {{ as_of() }}
),

newest as (
    select delivered.*
    from delivered
    cross join choice
    where
        delivered.recency = 1
        and cast(delivered._delivered_at as date) = delivered.newest_day_of_key
        and (not choice.complete_days or delivered.recency_of_day = 1)
),

objects as (
    select objects.object_type, objects.object_id, objects.name, objects.parent_id, objects.currency, objects.time_zone
    from {{ objects }} as objects
),

named as (
    select
        newest.level,
        newest.day,
        newest.ad_id,
        newest.geo,
        newest.spend,
        newest.impressions,
        newest.clicks,
        newest.platform_conversions,
        newest.platform_revenue,
        newest.currency,
        newest.account_tz,
        newest.day_basis,
        newest.account_name,
        newest.campaign as delivered_campaign,
        coalesce(newest.ad, ads.name) as ad,
        coalesce(newest.ad_group_id, ads.parent_id) as ad_group_id,
        coalesce(newest.ad_group, ad_groups.name) as ad_group,
        coalesce(newest.campaign_id, ad_groups.parent_id) as campaign_id,
        newest.account_id
    from newest
    left join objects as ads
        on newest.ad_id = ads.object_id and ads.object_type = 'ad'
    left join objects as ad_groups
        on coalesce(newest.ad_group_id, ads.parent_id) = ad_groups.object_id and ad_groups.object_type = 'ad_group'
),

placed as (
    select
        named.*,
        campaigns.name as campaign_name,
        coalesce(named.account_id, campaigns.parent_id, choice.account_id, '') as owner_id,
        choice.currency as chosen_currency
    from named
    cross join choice
    left join objects as campaigns
        on named.campaign_id = campaigns.object_id and campaigns.object_type = 'campaign'
)

select
    '{{ platform }}' as source,
    placed.level,
    placed.owner_id as account_id,
    max(coalesce(placed.account_name, accounts.name)) as account_name,
    placed.day,
    placed.campaign_id,
    coalesce(
        placed.delivered_campaign,
        placed.campaign_name,
        case when placed.campaign_id is not null then '(deleted)' else '(none)' end
    ) as campaign,
    placed.ad_group_id,
    placed.ad_group,
    placed.ad_id,
    placed.ad,
    placed.geo,
    coalesce(placed.currency, accounts.currency, placed.chosen_currency, 'XXX') as currency,
    coalesce(placed.account_tz, accounts.time_zone) as account_tz,
    coalesce(placed.day_basis, 'account') as day_basis,
    sum(placed.spend) as spend,
    cast(sum(placed.impressions) as bigint) as impressions,
    cast(sum(placed.clicks) as bigint) as clicks,
    sum(placed.platform_conversions) as platform_conversions,
    sum(placed.platform_revenue) as platform_revenue
from placed
left join objects as accounts
    on placed.owner_id = accounts.object_id and accounts.object_type = 'account'
group by
    placed.level,
    placed.owner_id,
    placed.day,
    placed.campaign_id,
    coalesce(
        placed.delivered_campaign,
        placed.campaign_name,
        case when placed.campaign_id is not null then '(deleted)' else '(none)' end
    ),
    placed.ad_group_id,
    placed.ad_group,
    placed.ad_id,
    placed.ad,
    placed.geo,
    coalesce(placed.currency, accounts.currency, placed.chosen_currency, 'XXX'),
    coalesce(placed.account_tz, accounts.time_zone),
    coalesce(placed.day_basis, 'account')
{% endmacro %}

{#- Names and account facts of a platform: the newest history row of each object. -#}
{% macro ad_object(platform) %}
with ranked as (
    select
        delivered.*,
        row_number() over (
            partition by delivered.object_type, delivered.object_id
            order by
                delivered.updated_at desc nulls last,
                delivered._delivered_at desc,
                delivered._batch_id desc,
                delivered._row desc
        ) as recency
    from {{ source('raw', platform ~ '__object') }} as delivered
    where delivered._delivered_at <= {{ as_of() }}
)

select
    '{{ platform }}' as source,
    ranked.object_type,
    ranked.object_id,
    ranked.name,
    ranked.parent_id,
    ranked.currency,
    ranked.time_zone,
    ranked.updated_at
from ranked
where ranked.recency = 1
{% endmacro %}
