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
    (3, date '2026-09-07', 'week', 'Radio', null, 80.00, 'CHF', null)
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
