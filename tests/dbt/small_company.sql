-- A company small enough to add up by hand.
insert into ops.channel_rule values
    ('google_ads', 'Brand', 'paid_search_brand', 1),
    ('google_ads', '.', 'paid_search', 2),
    ('meta_ads', '.', 'paid_social', 1);
insert into ops.channel values ('paid_search_brand', 'Brand search', 'search', null, 1), ('paid_social', 'Social', 'social', 'south', 2);
insert into ops.geo values ('north', 'DE', ['Nord', 'Hamburg'], 1.0), ('south', 'CH', ['Sued'], 2.0);
insert into ops.source_option values ('tiktok_ads', 'day', false, true, null, null);

insert into raw.fx_rate by name
select t.*, 'fx' as _batch_id, '2026-09-01' as _delivered_at from (values
    (1, date '2026-09-01', 'USD', 'EUR', 'spot', 0.90),
    (2, date '2026-09-01', 'EUR', 'CHF', 'spot', 0.80)
) as t (_row, rate_date, from_currency, to_currency, rate_type, rate);

-- Google: restated once, once more after the run's day, and delivered at ad level too.
insert into raw.google_ads by name
select
    shape, level, 'g1' as account_id, day, campaign_id, campaign, ad_id, geo, spend, 'EUR' as currency, 10 as impressions,
    clicks, 1.5 as platform_conversions, 20 as platform_revenue, 'account' as day_basis, _batch_id, _row, _delivered_at
from (values
    ('b1', 1, '2026-09-02', 'native', 'campaign', date '2026-09-01', 'c1', 'Brand | DE', null, null, 100.00, 5),
    ('b1', 2, '2026-09-02', 'native', 'campaign', date '2026-09-01', 'c2', 'Generic', null, 'Sued', 50.00, 3),
    ('b2', 1, '2026-09-04', 'native', 'campaign', date '2026-09-01', 'c1', 'Brand | DE', null, null, 110.10, 6),
    ('b3', 1, '2026-11-15', 'native', 'campaign', date '2026-09-01', 'c1', 'Brand | DE', null, null, 999.00, 9),
    ('b4', 1, '2026-09-05', 'native', 'ad', date '2026-09-01', 'c1', 'Brand | DE', 'a1', null, 77.00, 6),
    ('b2', 2, '2026-09-04', 'native', 'campaign', date '2026-10-30', 'c2', 'Generic', null, 'Atlantis', 1.01, 1)
) as t (_batch_id, _row, _delivered_at, shape, level, day, campaign_id, campaign, ad_id, geo, spend, clicks);

-- Meta: ad level is the spend level; names and currency come from the newest history row; one day has no rate near it.
insert into raw.meta_ads__object by name
select object_type, object_id, name, parent_id, currency, updated_at, 'o' || _row as _batch_id, _row, '2026-09-05' as _delivered_at from (values
    (1, 'account', 'm1', 'Acme', null, 'USD', timestamp '2026-01-01'),
    (2, 'campaign', 'mc', 'Old name', 'm1', null, timestamp '2026-01-01'),
    (3, 'campaign', 'mc', 'Autumn', 'm1', null, timestamp '2026-08-01'),
    (4, 'ad_group', 'ms', 'Set', 'mc', null, timestamp '2026-01-01'),
    (5, 'ad', 'ma', 'Ad', 'ms', null, timestamp '2026-01-01')
) as t (_row, object_type, object_id, name, parent_id, currency, updated_at);
insert into raw.meta_ads by name
select 'fivetran' as shape, 'ad' as level, day, ad_id, spend, clicks, 'm' as _batch_id, _row, '2026-09-20' as _delivered_at from (values
    (1, date '2026-09-02', 'ma', 10.00, 1),
    (2, date '2026-09-12', 'ma', 30.00, 1)
) as t (_row, day, ad_id, spend, clicks);

-- Microsoft: segments of one campaign-day add up; TikTok: a campaign that vanished from a complete day is gone.
insert into raw.microsoft_ads by name
select 'fivetran' as shape, 'campaign' as level, 'ms1' as account_id, day, 'k1' as campaign_id, 'Bing' as campaign, segment,
    spend, 'EUR' as currency, 1 as clicks, _batch_id, _row, _delivered_at
from (values
    ('s1', 1, '2026-09-02', date '2026-09-01', 'desktop', 7.25),
    ('s1', 2, '2026-09-02', date '2026-09-01', 'mobile', 5.25),
    ('s2', 1, '2026-09-03', date '2026-09-01', 'desktop', 8.25),
    ('s2', 2, '2026-09-03', date '2026-09-01', 'mobile', 5.50)
) as t (_batch_id, _row, _delivered_at, day, segment, spend);
insert into raw.tiktok_ads by name
select 'native' as shape, 'campaign' as level, day, campaign, spend, 'EUR' as currency, _batch_id, _row, _delivered_at
from (values
    ('t1', 1, '2026-09-02', date '2026-09-01', 'Ghost', 40.00),
    ('t1', 2, '2026-09-02', date '2026-09-01', 'Spark', 4.00),
    ('t2', 1, '2026-09-03', date '2026-09-01', 'Spark', 4.50)
) as t (_batch_id, _row, _delivered_at, day, campaign, spend);

insert into raw.channel_spend by name
select day, grain, channel, geo, spend, currency, cost_type, 'cs' as _batch_id, _row, '2026-10-01' as _delivered_at from (values
    (1, date '2026-09-07', 'week', 'Trade Fairs & Events', 'Hamburg', 1000.00, 'EUR', null),
    (2, date '2026-09-07', 'week', 'Trade Fairs & Events', 'Hamburg', 200.00, 'EUR', 'agency'),
    (3, date '2026-09-07', 'week', 'Radio', null, 80.00, 'CHF', null),
    (4, date '2026-06-29', 'week', 'Podcast', null, 100.00, 'EUR', null),
    (5, date '2026-06-29', 'week', 'Podcast', null, 30.00, 'EUR', 'production')
) as t (_row, day, grain, channel, geo, spend, currency, cost_type);

insert into raw.revenue by name
select day, grain, geo, kpi, value, revenue, currency, _batch_id, _row, _delivered_at from (values
    ('r1', 1, '2026-10-05', date '2026-09-01', 'day', 'Nord', null, null, 500.00, 'EUR'),
    ('r2', 1, '2026-10-06', date '2026-09-01', 'day', 'Nord', null, null, 510.00, 'EUR'),
    ('r1', 2, '2026-10-05', date '2026-09-01', 'day', 'Sued', null, null, 300.25, 'EUR'),
    ('r1', 3, '2026-10-05', date '2026-09-02', 'day', 'Nord', null, null, 20.00, 'EUR'),
    ('r1', 4, '2026-10-05', date '2026-09-02', 'day', 'Sued', null, null, 10.00, 'USD'),
    ('r1', 5, '2026-10-05', date '2026-09-02', 'day', 'Sued', null, null, 5.00, 'EUR')
) as t (_batch_id, _row, _delivered_at, day, grain, geo, kpi, value, revenue, currency);
insert into raw.context by name
select day, 'day' as grain, geo, name, value, 'confounder' as role, 'cx' as _batch_id, _row, _delivered_at from (values
    (1, '2026-09-02', date '2026-09-01', null, 'price_index', 1.0),
    (2, '2026-09-03', date '2026-09-01', null, 'price_index', 1.1)
) as t (_row, _delivered_at, day, geo, name, value);

insert into ops.ledger_account values ('8000', 'revenue', null, true, null), ('8100', 'revenue', null, false, 'licence resale');
insert into raw.ledger by name
select entry_id, posted_on, period, account_code, kind, channel, amount, 'EUR' as currency, _batch_id, _row, _delivered_at
from (values
    ('l1', 1, '2026-10-05', 'e1', date '2026-09-30', '2026-09', '8000', null, null, 900.00),
    ('l1', 2, '2026-10-05', 'e2', date '2026-09-30', '2026-09', '8100', null, null, 60.00),
    ('l1', 3, '2026-10-05', 'e3', date '2026-09-30', '2026-09', '8200', 'refund', null, 40.00),
    ('l1', 4, '2026-10-05', 'e4', date '2026-09-30', '2026-09', '4600', 'media_spend', 'paid_search', 1300.00),
    ('l2', 1, '2026-10-06', 'e4', date '2026-09-30', '2026-09', '4600', 'media_spend', 'paid_search', 1310.00),
    ('l1', 5, '2026-10-05', 'e5', date '2026-09-30', '2026-09', '9999', null, null, 3.00)
) as t (_batch_id, _row, _delivered_at, entry_id, posted_on, period, account_code, kind, channel, amount);

insert into raw.experiments by name
select experiment_id, channels, design, geos, start_day, end_day, estimand, value, low, high, level,
    'x' as _batch_id, _row, '2026-10-05' as _delivered_at
from (values
    (1, 'x1', 'paid_search_brand|paid_search', 'geo_rct', 'north', date '2026-09-02', date '2026-09-02', null, null, null, null, null),
    (2, 'x2', 'paid_social', 'platform_lift', null, date '2026-09-02', date '2026-09-09', 'iroas', -0.5, -2.0, 1.0, 0.9),
    (3, 'x3', 'paid_social', 'geo_rct', 'north', date '2026-09-02', date '2026-09-02', null, null, null, null, null)
) as t (_row, experiment_id, channels, design, geos, start_day, end_day, estimand, value, low, high, level);
insert into raw.experiments__panel by name
select 'x3' as experiment_id, geo, date '2026-09-02' as day, kpi, spend, 'xp' as _batch_id, _row, '2026-10-05' as _delivered_at
from (values (1, 'north', 12.0, 3.0), (2, 'south', 11.0, 0.0)) as t (_row, geo, kpi, spend);
-- Users u1 to u6; u5 was seen in both arms and counts in none, u4 came again with another amount.
insert into raw.experiments__user by name
select 'x4' as experiment_id, t.*, '2026-10-05' as _delivered_at
from (values
    ('xu', 1, 'u1', 'control', 10.00, 8.00), ('xu', 2, 'u2', 'control', 0.00, 2.00),
    ('xu', 3, 'u3', 'b', 12.50, 9.00), ('xu', 4, 'u4', 'b', 1.00, 1.00), ('xv', 1, 'u4', 'b', 7.50, 1.00),
    ('xu', 5, 'u5', 'control', 99.00, 0.00), ('xu', 6, 'u5', 'b', 99.00, 0.00), ('xu', 7, 'u6', 'b', 0.00, 4.00)
) as t (_batch_id, _row, user_key, arm, value, covariate);
insert into raw.experiments__arm by name
select *, 'xa' as _batch_id, '2026-10-05' as _delivered_at from (values
    (1, 'x4', 'control', 1000, 1.0, 1.0, 1, 1.0), (2, 'x5', 'a', 100, 10.5, 20.25, 8, 45.5)
) as t (_row, experiment_id, arm, n, "sum", sum_sq, buyers, sum_cu);

-- CRM: two contacts with one address are one person; one deal is won, falls, is won again; one is deleted; one only has dates.
insert into ops.stage_rule values
    ('hubspot', '.', 'Discovery', 'opportunity'), ('hubspot', '.', 'offer', 'proposal'), ('hubspot', '.', 'Qualified', 'sql');
insert into ops.self_reported_rule values ('podcast', 'podcast', 1), ('colleague|friend', 'word_of_mouth', 2), ('.', 'other', 9);
insert into raw.hubspot__company by name
select *, 'h1' as _batch_id, '2026-10-01' as _delivered_at from (values
    (1, 'C1', 'acme.example', 'Steel', false),
    (2, 'C2', 'globex.example', 'Glass', false)
) as t (_row, company_id, domain, industry, is_deleted);
insert into raw.hubspot__contact by name
select t.*, 'h2' as _batch_id, '2026-10-01' as _delivered_at from (values
    (1, 'P1', 'hash-ann', 'acme.example', timestamp '2026-06-01 10:00', 'lead', 'C1', 'A podcast, and a friend'),
    (2, 'P2', 'hash-ann', 'acme.example', timestamp '2026-06-05 10:00', 'customer', 'C1', null),
    (3, 'P3', 'hash-bob', 'acme.example', timestamp '2026-06-02 10:00', 'lead', null, 'google'),
    (4, 'P4', 'hash-cyd', 'gmail.com', timestamp '2026-06-03 10:00', 'subscriber', null, null),
    (5, 'P5', 'hash-dan', 'globex.example', timestamp '2026-08-01 10:00', 'lead', 'C2', 'saw it somewhere')
) as t (_row, contact_id, email_hash, email_domain, created_at, lifecycle_stage, company_ids, self_reported);
insert into raw.hubspot__deal by name
select t.*, 'h3' as _batch_id, '2026-10-20 12:00' as _delivered_at from (values
    (1, 'D1', 'Sales', 'closedwon', 1000.01, 'EUR', timestamp '2026-06-10 09:00', timestamp '2026-08-20 09:00', 'C1', 'P1;P3', 'Nord', false),
    (2, 'D2', 'Sales', 'closedwon', 500.00, 'EUR', timestamp '2026-08-02 09:00', timestamp '2026-09-10 09:00', 'C2', null, null, true),
    (3, 'D3', 'Sales', 'closedlost', 70.00, 'EUR', timestamp '2026-08-03 09:00', timestamp '2026-09-01 09:00', 'C2', 'P5', null, false)
) as t (_row, deal_id, pipeline, stage, amount, currency, created_at, closed_at, company_ids, contact_ids, geo, is_deleted);
insert into raw.hubspot__deal_stage by name
select t.*, 'Sales' as pipeline, 'h4' as _batch_id, '2026-10-20 12:00' as _delivered_at from (values
    (1, 'D1', 'Qualified', timestamp '2026-06-10 09:00', timestamp '2026-06-20 09:00'),
    (2, 'D1', 'Offer', timestamp '2026-06-20 09:00', timestamp '2026-07-20 09:00'),
    (3, 'D1', 'closedwon', timestamp '2026-07-20 09:00', timestamp '2026-08-01 09:00'),
    (4, 'D1', 'Offer', timestamp '2026-08-01 09:00', timestamp '2026-08-20 09:00'),
    (5, 'D1', 'closedwon', timestamp '2026-08-20 09:00', timestamp '2050-01-01 00:00')
) as t (_row, deal_id, stage, entered_at, left_at);

-- Site: Ann by paid search (an unknown utm beside the click id), then mid-session by newsletter, then by an AI assistant on
-- a phone before she logs in on it; Bob direct; a shared tablet; somebody who refuses; Eve, who refused after her visit.
insert into ops.utm_rule values ('newsletter', '.', null, 'newsletter', 1), ('google', 'cpc', null, 'paid_search', 2);
create macro micros(instant) as epoch_us(instant::timestamp);
insert into raw.ga4 by name
select
    cast(make_timestamp(event_timestamp) as date) as event_date, event_timestamp, event_name, 's' as stream_id, user_pseudo_id,
    user_key, ga_session_id, page_location, page_referrer, source, medium, campaign, click_id_type, click_id,
    analytics_storage, 'Yes' as ads_storage, transaction_id, purchase_revenue, refund_value, 'EUR' as currency, _row,
    'w' || _row as _batch_id, _delivered_at
from (values
    (1, '2026-06-02', micros('2026-06-01 08:00:00'), 'session_start', 'laptop', null, '1', 'https://www.own.example/?gclid=x', null, null, null, null, 'gclid', 'x', 'Yes', null, null, null),
    (2, '2026-06-02', micros('2026-06-01 08:00:01'), 'page_view', 'laptop', 'hash-ann', '1', 'https://www.own.example/?gclid=x', null, 'x', 'y', null, null, null, 'Yes', null, null, null),
    (3, '2026-06-02', micros('2026-06-01 08:20:00'), 'page_view', 'laptop', 'hash-ann', '1', 'https://www.own.example/news', null, 'newsletter', 'email', 'june', null, null, 'Yes', null, null, null),
    (4, '2026-06-20', micros('2026-06-19 08:00:00'), 'page_view', 'phone', null, '7', 'https://www.own.example/', 'https://chatgpt.com/', null, null, null, null, null, 'Yes', null, null, null),
    (5, '2026-06-22', micros('2026-06-21 08:00:00'), 'login', 'phone', 'hash-ann', '8', 'https://shop.www.own.example/', 'https://www.own.example/', null, null, null, null, null, 'Yes', null, null, null),
    (6, '2026-06-20', micros('2026-06-19 07:00:00'), 'page_view', 'bobs', 'hash-bob', '1', 'https://www.own.example/', 'https://www.google.com/', null, null, null, null, null, null, null, null, null),
    (7, '2026-06-20', micros('2026-06-19 06:00:00'), 'page_view', 'tablet', 'hash-ann', '1', 'https://www.own.example/', null, null, null, null, null, null, 'Yes', null, null, null),
    (8, '2026-06-20', micros('2026-06-19 06:30:00'), 'page_view', 'tablet', 'hash-bob', '2', 'https://www.own.example/', null, null, null, null, null, null, 'Yes', null, null, null),
    (9, '2026-06-20', micros('2026-06-19 06:45:00'), 'page_view', 'tablet', null, '3', 'https://www.own.example/', null, null, null, null, null, null, 'Yes', null, null, null),
    (10, '2026-06-20', micros('2026-06-19 05:00:00'), 'page_view', null, null, null, 'https://www.own.example/', null, null, null, null, null, null, 'No', null, null, null),
    (11, '2026-06-20', micros('2026-06-19 04:00:00'), 'page_view', 'eves', 'hash-eve', '1', 'https://www.own.example/', null, null, null, null, null, null, 'Yes', null, null, null),
    (12, '2026-06-20', micros('2026-06-19 23:00:00'), 'page_view', null, 'hash-eve', null, 'https://www.own.example/', null, null, null, null, null, null, 'No', null, null, null),
    (13, '2026-09-02', micros('2026-09-01 10:00:00'), 'page_view', 'laptop', 'hash-ann', '2', 'https://www.own.example/', 'https://www.linkedin.com/', null, null, null, null, null, 'Yes', null, null, null),
    (14, '2026-09-02', micros('2026-09-01 10:05:00'), 'purchase', 'laptop', 'hash-ann', '2', 'https://www.own.example/thanks', null, null, null, null, null, null, 'Yes', 'T1', 80.00, null),
    (15, '2026-09-02', micros('2026-09-01 10:05:09'), 'purchase', 'laptop', 'hash-ann', '2', 'https://www.own.example/thanks', null, null, null, null, null, null, 'Yes', 'T1', 80.00, null),
    (16, '2026-09-02', micros('2026-09-01 10:06:00'), 'purchase', 'laptop', 'hash-ann', '2', 'https://www.own.example/thanks', null, null, null, null, null, null, 'Yes', 'O1', 99.00, null),
    (17, '2026-09-04', micros('2026-09-03 10:06:00'), 'refund', null, null, null, 'https://www.own.example/', null, null, null, null, null, null, null, 'T1', null, 30.00)
) as t (
    _row, _delivered_at, event_timestamp, event_name, user_pseudo_id, user_key, ga_session_id, page_location, page_referrer,
    source, medium, campaign, click_id_type, click_id, analytics_storage, transaction_id, purchase_revenue, refund_value
);
-- The whole day of 19 June comes once more, without Bob's visit of 07:00.
insert into raw.ga4 by name
select r.* replace ('w9' as _batch_id, timestamp '2026-06-23' as _delivered_at)
from raw.ga4 as r where event_date = date '2026-06-19' and _row <> 6;

insert into raw.revenue__order by name
select t.*, 'or' as _batch_id, '2026-10-01' as _delivered_at from (values
    (1, 'O1', timestamp '2026-09-01 10:06:00', 'hash-ann', 119.00, 0.00, null, 19.00, null, 'EUR', 'paid', null),
    (2, 'O2', timestamp '2026-09-20 10:00:00', 'hash-zoe', 50.00, 10.00, 15.00, 0.00, null, 'EUR', 'partial', timestamp '2026-09-25 10:00:00'),
    (3, 'O3', timestamp '2026-09-20 11:00:00', 'hash-zoe', 75.00, 0.00, null, 0.00, null, 'EUR', 'cancelled', null)
) as t (_row, order_id, ordered_at, customer_key, gross, discount, refund, tax, shipping, currency, status, refunded_at);

insert into raw.content by name
select t.*, 'co' as _batch_id, '2026-10-01' as _delivered_at from (values
    (1, 'k1', 'br1', 'v1', 'linkedin', 'post', timestamp '2026-09-08 09:00', 'agent', '{"headline.question": true, "headline.short": false, "tone": "dry"}'),
    (2, 'k2', 'br1', 'v2', 'linkedin', 'post', null, 'agent', '{"headline.question": 0, "headline.number": 1}')
) as t (_row, content_id, brief_id, variant_id, channel, format, published_at, author_type, features);
insert into raw.content_events by name
select t.*, 'ce' as _batch_id, '2026-10-01' as _delivered_at from (values
    (1, 'v1', timestamp '2026-09-07 09:00', 'k1', 'brief_created', 'human', '{}'),
    (2, 'v2', timestamp '2026-09-07 18:00', 'k1', 'approved', 'human', '{"edit_ratio": 0.3, "human_minutes": 10}'),
    (3, 'v3', timestamp '2026-09-08 09:00', 'k1', 'published', 'system', '{}'),
    (4, 'v4', timestamp '2026-09-07 09:00', 'k2', 'brief_created', 'human', '{}'),
    (5, 'v5', timestamp '2026-09-08 10:00', 'k2', 'review_returned', 'human', '{"human_minutes": 5}'),
    (6, 'v6', timestamp '2026-09-09 10:00', 'k2', 'approved', 'human', '{"edit_ratio": 0.5}'),
    (7, 'v7', timestamp '2026-09-10 09:00', 'k2', 'published', 'system', '{}'),
    (8, 'v8', timestamp '2026-09-10 09:00', 'k2', 'brand_check', 'system', '{"passed": 3, "applicable": 4}'),
    (9, 'v9', timestamp '2026-09-20 09:00', 'k1', 'outcome_closed', 'system', '{"brief_id": "br1", "variant_id": "v1", "channel": "linkedin", "week": "2026-09-14", "trials": 1000, "successes": 30}'),
    (10, 'v10', timestamp '2026-09-21 09:00', 'k1', 'outcome_closed', 'system', '{"brief_id": "br1", "variant_id": "v1", "channel": "linkedin", "week": "2026-W38", "trials": 1100, "successes": 31}'),
    (11, 'v11', timestamp '2026-09-20 09:00', 'k2', 'outcome_closed', 'system', '{"trials": 900, "successes": 20, "week": "2026-09-14"}')
) as t (_row, event_id, ts, content_id, type, actor_type, payload);
insert into raw.ai_panel by name
select t.*, 'ap' as _batch_id, '2026-09-01' as _delivered_at from (values (1, 'q1', 'best steel crm', true), (2, 'q2', 'new one', false))
as t (_row, prompt_id, prompt_text, is_core);
insert into raw.ai_answers by name
select t.*, 'chatgpt' as engine, 'ok' as status, 'aa' as _batch_id, '2026-09-10' as _delivered_at from (values
    (1, 'q1', date '2026-09-09', 1, '["Own", "Rival"]', '["own.example"]', true),
    (2, 'q1', date '2026-09-09', 2, '[]', '[]', false),
    (3, 'q2', date '2026-09-09', 1, null, null, null)
) as t (_row, prompt_id, day_slot, replicate, brands, cited_domains, own_cited);
insert into raw.receipts by name
select t.*, 'br1' as brief_id, 'linkedin' as channel, 1 as version, 4 as feed_seq, 'feed-key-2026-q3' as seed_ref, 're' as _batch_id, '2026-10-01' as _delivered_at,
    'receipts/r.jsonl' as _file
from (values
    (1, 'o1', 'offer', timestamp '2026-09-07 10:00', 'v1', 0, 'on', 'pat_a', 'aa', 'headline.question', 'do', 'on', 0.4, null, null),
    (2, 'o2', 'offer', timestamp '2026-09-07 10:00', 'v1', 0, 'on', 'pat_b', 'bb', 'headline.number', 'avoid', 'off', 0.3, null, null),
    (3, 'o3', 'offer', timestamp '2026-09-07 10:00', 'v2', 1, 'off', 'pat_a', 'aa', 'headline.question', 'do', 'off', 0.4, null, null),
    (4, 'o4', 'offer', timestamp '2026-09-07 10:00', 'v9', 2, 'unpaired', 'pat_a', 'aa', 'headline.question', 'do', 'on', 0.4, null, null),
    (5, 'o1', 'exposure', timestamp '2026-09-08 09:00', 'v1', null, null, 'pat_a', 'aa', null, null, 'on', 0.4, 'true', 'ff'),
    (6, 'o3', 'exposure', timestamp '2026-09-08 09:00', 'v2', null, null, null, null, null, null, 'off', 0.4, null, 'fe'),
    (7, 'o2', 'exposure', timestamp '2026-09-08 09:00', 'v1', null, null, null, null, null, null, 'off', 0.9, null, 'ff'),
    (8, 'o4', 'exposure', timestamp '2026-09-08 09:00', 'v9', null, null, 'pat_a', 'a9', null, null, 'on', 0.4, 'true', 'ff'),
    (9, 'o7', 'exposure', timestamp '2026-09-08 09:00', 'v1', null, null, 'pat_a', 'aa', null, null, 'on', 0.4, 'true', 'ff'),
    (10, 'o1', 'exposure', timestamp '2026-09-06 09:00', 'v1', null, null, 'pat_a', 'aa', null, null, 'on', 0.4, 'false', 'f0')
) as t (_row, receipt_id, kind, ts, variant_id, variant_ix, pair_role, pattern_id, subject_sha256, feature, follow, arm, p, decision, final_artifact_sha256);
update raw.receipts set _delivered_at = '2026-09-20' where _row = 10;
