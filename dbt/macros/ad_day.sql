{#- One ad platform's day rows by the identity rule of docs/decisions/0047-one-fact-one-key.md: what an export calls a thing is
    normalised, then identified, then replaced; nothing depends on the order in which files arrived.

    * A campaign is its id, else the one id that carries its name in the account, else its name. A name that is new in a
      delivery, with equal figures on every day it shares with a campaign that is gone from it, is that campaign renamed.
    * A line is a campaign's day at one level, in one set of breakdown columns, for one ad group and ad. Its newest delivery day
      replaces it with all values of its breakdown; other lines stay, because many exports are filtered. Files of one delivery
      day complete each other. With `complete_days` the newest delivery day replaces the account's whole day.
    * Of several breakdowns of one level exactly one is counted: one with at least nine tenths of the impressions that any of them
      has before a filtered one, told three days or more after the day before told earlier, among the early ones the newest, then the one with fewest breakdown columns, then the newest. How a platform attributes
      and a connector's row id are columns of a report, but split nothing. -#}
{% macro ad_day(platform) %}
{%- set objects = ref('stg_' ~ platform ~ '__object') %}
{%- set statement = 'account_id, day, entity, level, breakdown' %}
{%- set order_of_delivery = "{'delivered_at': _delivered_at, 'batch': _batch_id, 'line': _row}" %}
with recursive choice as (
    select
        coalesce(bool_or(chosen.complete_days), false) as complete_days,
        max(chosen.currency) as currency,
        max(chosen.account_id) as account_id
    from {{ source('ops', 'source_option') }} as chosen
    where chosen.source = '{{ platform }}'
),

objects as (
    select objects.object_type, objects.object_id, objects.name, objects.parent_id, objects.currency, objects.time_zone
    from {{ objects }} as objects
),

facts as (
    select
        delivered.*,
        cast(delivered._delivered_at as date) as told,
        nullif(replace(trim(delivered.account_id), '-', ''), '') as account_cell,
        {{ normal_name('delivered.campaign') }} as campaign_norm,
        {{ normal_name('delivered.ad_group') }} as ad_group_norm,
        {{ normal_name('delivered.ad') }} as ad_norm,
        lower(trim(delivered.geo)) as geo_norm
    from {{ source('raw', platform) }} as delivered
    where delivered._delivered_at <= {{ as_of() }}
),

-- By which columns a file splits its rows: a row without a region in a report by region is still part of the split.
split_columns as (
    select facts._batch_id, 'geo' as name from facts where facts.geo is not null
    union
    select
        segments._batch_id,
        unnest(
            case
                when regexp_matches(segments.segment, '(?:^|;)[^=;]+=')
                    then regexp_extract_all(segments.segment, '(?:^|;)([^=;]+)=', 1)
                else ['segment']
            end
        ) as name
    from (select distinct facts._batch_id, facts.segment from facts where facts.segment is not null) as segments
),

breakdowns as (
    select
        split_columns._batch_id,
        string_agg(split_columns.name, ',' order by split_columns.name) as breakdown,
        count(*) filter (split_columns.name not in ('attribution_setting', '_fivetran_id')) as breakdown_columns
    from split_columns
    group by split_columns._batch_id
),

grouped as (
    select
        facts.*,
        coalesce(breakdowns.breakdown, '') as breakdown,
        coalesce(breakdowns.breakdown_columns, 0) as breakdown_columns,
        ads.name as ad_object_name,
        coalesce(facts.ad_group_id, ads.parent_id) as own_group_id,
        ad_groups.name as ad_group_object_name,
        coalesce(facts.campaign_id, ad_groups.parent_id) as told_campaign_id
    from facts
    left join breakdowns on facts._batch_id = breakdowns._batch_id
    left join objects as ads
        on facts.ad_id = ads.object_id and ads.object_type = 'ad'
    left join objects as ad_groups
        on coalesce(facts.ad_group_id, ads.parent_id) = ad_groups.object_id and ad_groups.object_type = 'ad_group'
),

-- An ad group that was once delivered under a campaign belongs to it, also where a later file leaves the campaign out.
group_parents as (
    select
        grouped.own_group_id,
        arg_max(grouped.told_campaign_id, {{ order_of_delivery }}) as campaign_id,
        arg_max(grouped.campaign, {{ order_of_delivery }}) as campaign,
        arg_max(grouped.campaign_norm, {{ order_of_delivery }}) as campaign_norm
    from grouped
    where grouped.own_group_id is not null
    group by grouped.own_group_id
),

parented as (
    select
        grouped.* exclude (campaign, campaign_norm),
        case
            when grouped.told_campaign_id is null and grouped.campaign_norm is null then group_parents.campaign
            else grouped.campaign
        end as campaign,
        case
            when grouped.told_campaign_id is null and grouped.campaign_norm is null then group_parents.campaign_norm
            else grouped.campaign_norm
        end as campaign_norm,
        case
            when grouped.told_campaign_id is null and grouped.campaign_norm is null then group_parents.campaign_id
            else grouped.told_campaign_id
        end as own_campaign_id
    from grouped
    left join group_parents on grouped.own_group_id = group_parents.own_group_id
),

owned as (
    select
        parented.*,
        campaigns.name as campaign_object_name,
        coalesce(parented.account_cell, campaigns.parent_id) as own_account_id
    from parented
    left join objects as campaigns
        on parented.own_campaign_id = campaigns.object_id and campaigns.object_type = 'campaign'
),

account_of_campaign as (
    select owned.own_campaign_id, min(owned.own_account_id) as account_id
    from owned
    where owned.own_campaign_id is not null
    group by owned.own_campaign_id
    having count(distinct owned.own_account_id) = 1
),

account_of_group as (
    select owned.own_group_id, min(owned.own_account_id) as account_id
    from owned
    where owned.own_group_id is not null
    group by owned.own_group_id
    having count(distinct owned.own_account_id) = 1
),

only_account as (
    select case when count(distinct owned.own_account_id) = 1 then min(owned.own_account_id) end as account_id
    from owned
),

placed as (
    select
        owned.* exclude (account_id),
        coalesce(
            owned.own_account_id, account_of_campaign.account_id, account_of_group.account_id,
            only_account.account_id, choice.account_id, ''
        ) as account_id
    from owned
    cross join choice
    cross join only_account
    left join account_of_campaign on owned.own_campaign_id = account_of_campaign.own_campaign_id
    left join account_of_group on owned.own_group_id = account_of_group.own_group_id
),

id_of_name_on_day as (
    select placed.account_id, placed.day, placed.campaign_norm, min(placed.own_campaign_id) as campaign_id
    from placed
    where placed.campaign_norm is not null
    group by placed.account_id, placed.day, placed.campaign_norm
    having count(distinct placed.own_campaign_id) = 1
),

id_of_name as (
    select placed.account_id, placed.campaign_norm, min(placed.own_campaign_id) as campaign_id
    from placed
    where placed.campaign_norm is not null
    group by placed.account_id, placed.campaign_norm
    having count(distinct placed.own_campaign_id) = 1
),

-- Campaigns with ids that share a name with rows without ids: which of them a row means is unknown, so they are one there.
shared_names as (
    select placed.account_id, placed.day, placed.campaign_norm
    from placed
    where placed.campaign_norm is not null
    group by placed.account_id, placed.day, placed.campaign_norm
    having count(distinct placed.own_campaign_id) > 1 and bool_or(placed.own_campaign_id is null)
),

named as (
    select
        placed.*,
        coalesce(placed.own_campaign_id, on_day.campaign_id, ever.campaign_id) as known_campaign_id,
        coalesce(
            case when shared_names.campaign_norm is not null then 'name:' || placed.campaign_norm end,
            placed.own_campaign_id, on_day.campaign_id, ever.campaign_id, 'name:' || placed.campaign_norm,
            'group:' || coalesce(placed.own_group_id, placed.ad_group_norm), 'ad:' || coalesce(placed.ad_id, placed.ad_norm),
            ''
        ) as named_entity
    from placed
    left join id_of_name_on_day as on_day
        on
            placed.account_id = on_day.account_id
            and placed.day = on_day.day
            and placed.campaign_norm = on_day.campaign_norm
    left join shared_names
        on
            placed.account_id = shared_names.account_id
            and placed.day = shared_names.day
            and placed.campaign_norm = shared_names.campaign_norm
    left join id_of_name as ever
        on placed.account_id = ever.account_id and placed.campaign_norm = ever.campaign_norm
),

-- Renamed without ids: recognised by equal figures on every shared day, one new name for one old campaign.
said as (
    select
        named.account_id,
        named.level,
        named.breakdown,
        named.named_entity,
        named.day,
        named.told,
        sum(named.spend) as spend,
        sum(named.impressions) as impressions,
        sum(named.clicks) as clicks
    from named
    where named.named_entity <> ''
    group by named.account_id, named.level, named.breakdown, named.named_entity, named.day, named.told
),

spans as (
    select said.account_id, said.level, said.breakdown, said.named_entity, min(said.told) as first_told, max(said.told) as last_told
    from said
    group by said.account_id, said.level, said.breakdown, said.named_entity
),

figures as (
    select said.*
    from said
    qualify
        row_number() over (
            partition by said.account_id, said.level, said.breakdown, said.named_entity, said.day order by said.told desc
        ) = 1
),

pairs as (
    select
        newer.account_id,
        newer.level,
        newer.breakdown,
        newer.named_entity as new_entity,
        older.named_entity as old_entity,
        min(new_span.first_told) as new_told,
        max(old_span.last_told) as old_told
    from figures as newer
    inner join spans as new_span
        on
            newer.account_id = new_span.account_id and newer.level = new_span.level
            and newer.breakdown = new_span.breakdown and newer.named_entity = new_span.named_entity
    inner join figures as older
        on
            newer.account_id = older.account_id and newer.level = older.level
            and newer.breakdown = older.breakdown and newer.day = older.day
            and newer.named_entity <> older.named_entity
    inner join spans as old_span
        on
            older.account_id = old_span.account_id and older.level = old_span.level
            and older.breakdown = old_span.breakdown and older.named_entity = old_span.named_entity
    where
        (starts_with(newer.named_entity, 'name:') or starts_with(older.named_entity, 'name:'))
        and new_span.first_told > old_span.last_told
    group by newer.account_id, newer.level, newer.breakdown, newer.named_entity, older.named_entity
    having
        bool_and(
            newer.spend = older.spend
            and newer.impressions is not distinct from older.impressions
            and newer.clicks is not distinct from older.clicks
        )
        and sum(newer.impressions) > 0
),

nearest as (
    select pairs.*
    from pairs
    qualify
        dense_rank() over (
            partition by pairs.account_id, pairs.level, pairs.breakdown, pairs.new_entity order by pairs.old_told desc
        ) = 1
        and dense_rank() over (
            partition by pairs.account_id, pairs.level, pairs.breakdown, pairs.old_entity order by pairs.new_told
        ) = 1
),

renamed as (
    select nearest.account_id, nearest.new_entity, min(nearest.old_entity) as old_entity
    from nearest
    group by nearest.account_id, nearest.new_entity
    having count(distinct nearest.old_entity) = 1
),

one_to_one as (
    select renamed.*
    from renamed
    qualify count(*) over (partition by renamed.account_id, renamed.old_entity) = 1
),

chains as (
    select one_to_one.account_id, one_to_one.new_entity, one_to_one.old_entity, 1 as depth
    from one_to_one
    union all
    select chains.account_id, chains.new_entity, one_to_one.old_entity, chains.depth + 1 as depth
    from chains
    inner join one_to_one on chains.account_id = one_to_one.account_id and chains.old_entity = one_to_one.new_entity
    where chains.depth < 20
),

first_names as (
    select chains.account_id, chains.new_entity, arg_max(chains.old_entity, chains.depth) as entity
    from chains
    group by chains.account_id, chains.new_entity
),

identified as (
    select
        named.*,
        case when named.level = 'account' then '' else coalesce(first_names.entity, named.named_entity) end as entity
    from named
    left join first_names on named.account_id = first_names.account_id and named.named_entity = first_names.new_entity
),

id_of_group as (
    select identified.account_id, identified.entity, identified.ad_group_norm, min(identified.own_group_id) as ad_group_id
    from identified
    where identified.ad_group_norm is not null
    group by identified.account_id, identified.entity, identified.ad_group_norm
    having count(distinct identified.own_group_id) = 1
),

id_of_ad as (
    select identified.account_id, identified.entity, identified.ad_norm, min(identified.ad_id) as ad_id
    from identified
    where identified.ad_norm is not null
    group by identified.account_id, identified.entity, identified.ad_norm
    having count(distinct identified.ad_id) = 1
),

keyed as (
    select
        identified.*,
        -- An ad that has an id is a line whatever its report says of the ad group, which may be left out.
        case
            when identified.level = 'ad' and coalesce(identified.ad_id, id_of_ad.ad_id) is not null then ''
            else coalesce(identified.own_group_id, id_of_group.ad_group_id, 'name:' || identified.ad_group_norm, '')
        end as group_key,
        coalesce(identified.ad_id, id_of_ad.ad_id, 'name:' || identified.ad_norm, '') as ad_key
    from identified
    left join id_of_group
        on
            identified.account_id = id_of_group.account_id
            and identified.entity = id_of_group.entity
            and identified.ad_group_norm = id_of_group.ad_group_norm
    left join id_of_ad
        on
            identified.account_id = id_of_ad.account_id
            and identified.entity = id_of_ad.entity
            and identified.ad_norm = id_of_ad.ad_norm
),

lines as (
    select
        keyed.*,
        max(keyed.told) over (partition by {{ statement }}, group_key, ad_key) as line_told,
        max(keyed.told) over (partition by account_id, level, day) as day_told,
        rank() over (
            partition by {{ statement }}, group_key, ad_key, geo_norm, segment
            order by keyed._delivered_at desc, keyed._batch_id desc
        ) as recency
    from keyed
),

newest as (
    select
        lines.*,
        max(lines.told) over (partition by {{ statement }}) as said_on,
        sum(lines.impressions) over (partition by {{ statement }}) as said_impressions
    from lines
    where
        lines.recency = 1
        and lines.told = lines.line_told
        and (lines.told = lines.day_told or not (select choice.complete_days from choice))
),

-- A report that was filtered says less than another of the same day: it may not replace the whole.
weighed as (
    select
        newest.*,
        coalesce(
            newest.said_impressions >= 0.9 * max(newest.said_impressions) over (partition by account_id, day, entity, level), true
        ) as is_whole
    from newest
),

counted as (
    select
        newest.*,
        first_value(coalesce(newest.campaign, newest.campaign_object_name) ignore nulls) over (
            partition by account_id, day, entity, level
            order by newest.told desc, newest._delivered_at desc, newest._batch_id desc, newest._row desc
            rows between unbounded preceding and unbounded following
        ) as campaign_name,
        max(newest.known_campaign_id) over (partition by account_id, day, entity, level) as entity_campaign_id,
        dense_rank() over (
            partition by account_id, day, entity, level
            order by
                newest.is_whole desc,
                newest.said_on >= newest.day + 3 desc,
                case when newest.said_on < newest.day + 3 then newest.said_on end desc nulls last,
                newest.breakdown_columns,
                newest.said_on desc,
                newest.breakdown
        ) as breakdown_choice
    from weighed as newest
)

select
    '{{ platform }}' as source,
    counted.level,
    counted.account_id,
    max(coalesce(counted.account_name, accounts.name)) as account_name,
    counted.day,
    counted.entity,
    counted.said_on,
    counted.entity_campaign_id as campaign_id,
    coalesce(
        counted.campaign_name, case when counted.entity_campaign_id is not null then '(deleted)' else '(none)' end
    ) as campaign,
    max(coalesce(counted.own_group_id, counted.ad_group_id)) as ad_group_id,
    max(coalesce(counted.ad_group, counted.ad_group_object_name)) as ad_group,
    max(counted.ad_id) as ad_id,
    max(coalesce(counted.ad, counted.ad_object_name)) as ad,
    max(counted.geo) as geo,
    coalesce(counted.currency, accounts.currency, choice.currency, 'XXX') as currency,
    coalesce(counted.account_tz, accounts.time_zone) as account_tz,
    coalesce(counted.day_basis, 'account') as day_basis,
    sum(counted.spend) as spend,
    cast(sum(counted.impressions) as bigint) as impressions,
    cast(sum(counted.clicks) as bigint) as clicks,
    sum(counted.platform_conversions) as platform_conversions,
    sum(counted.platform_revenue) as platform_revenue
from counted
cross join choice
left join objects as accounts
    on counted.account_id = accounts.object_id and accounts.object_type = 'account'
where counted.breakdown_choice = 1
group by
    counted.level,
    counted.account_id,
    counted.day,
    counted.entity,
    counted.said_on,
    counted.entity_campaign_id,
    counted.campaign_name,
    counted.group_key,
    counted.ad_key,
    counted.geo_norm,
    coalesce(counted.currency, accounts.currency, choice.currency, 'XXX'),
    coalesce(counted.account_tz, accounts.time_zone),
    coalesce(counted.day_basis, 'account')
{% endmacro %}

{#- A name as it is compared: one form of Unicode, no case, single blanks, null where it says that there is none. -#}
{% macro normal_name(name) -%}
nullif(
    regexp_replace(
        trim(regexp_replace(nfc_normalize(lower({{ name }})), '\s+', ' ', 'g')), '^(\(none\)|\(not set\)|-+)$', ''
    ),
    ''
)
{%- endmacro %}

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
