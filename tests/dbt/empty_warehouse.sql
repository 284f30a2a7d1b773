-- Raw and ops tables as docs/data-model.md names them, empty: what a run finds before the first file landed.
create schema raw;
create schema ops;

{% for platform in platforms %}
create table raw.{{ platform }} (
    shape varchar, level varchar, account_id varchar, account_name varchar, day date, campaign_id varchar, campaign varchar,
    ad_group_id varchar, ad_group varchar, ad_id varchar, ad varchar, geo varchar, segment varchar, spend decimal(18, 6),
    currency varchar, impressions bigint, clicks bigint, platform_conversions decimal(18, 6), platform_revenue decimal(18, 6),
    account_tz varchar, day_basis varchar, {{ books }}
);
create table raw.{{ platform }}__object (
    object_type varchar, object_id varchar, name varchar, parent_id varchar, currency varchar, time_zone varchar,
    updated_at timestamp, {{ books }}
);
{% endfor %}
create table raw.channel_spend (
    day date, grain varchar, channel varchar, campaign varchar, geo varchar, spend decimal(18, 6), currency varchar,
    impressions bigint, clicks bigint, platform_conversions decimal(18, 6), platform_revenue decimal(18, 6), cost_type varchar,
    vendor varchar, note varchar, {{ books }}
);
create table raw.revenue (
    day date, grain varchar, geo varchar, kpi varchar, value decimal(18, 6), revenue decimal(18, 6), orders bigint,
    new_customers bigint, refunds decimal(18, 6), currency varchar, {{ books }}
);
create table raw.revenue__order (
    order_id varchar, ordered_at timestamp, customer_key varchar, account_id varchar, gross decimal(18, 6), discount decimal(18, 6),
    refund decimal(18, 6), tax decimal(18, 6), shipping decimal(18, 6), currency varchar, status varchar, refunded_at timestamp,
    geo varchar, new_customer boolean, {{ books }}
);
create table raw.ledger (
    entry_id varchar, posted_on date, period varchar, account_code varchar, account_name varchar, cost_centre varchar,
    vendor varchar, kind varchar, channel varchar, amount decimal(18, 6), currency varchar, document varchar, {{ books }}
);
create table raw.hubspot__deal (
    deal_id varchar, name_key varchar, pipeline varchar, stage varchar, amount decimal(18, 6), currency varchar,
    created_at timestamp, closed_at timestamp, company_ids varchar, contact_ids varchar, geo varchar, deal_type varchar,
    is_deleted boolean, original_source varchar, {{ books }}
);
create table raw.hubspot__deal_stage (
    deal_id varchar, pipeline varchar, stage varchar, entered_at timestamp, left_at timestamp, {{ books }}
);
create table raw.hubspot__contact (
    contact_id varchar, email_hash varchar, email_domain varchar, created_at timestamp, lifecycle_stage varchar,
    company_ids varchar, country varchar, self_reported varchar, is_deleted boolean, {{ books }}
);
create table raw.hubspot__company (
    company_id varchar, name_key varchar, domain varchar, industry varchar, country varchar, created_at timestamp,
    is_deleted boolean, {{ books }}
);
create table raw.ga4 (
    event_date date, event_timestamp bigint, event_name varchar, stream_id varchar, user_pseudo_id varchar, user_key varchar,
    ga_session_id varchar, ga_session_number bigint, page_location varchar, page_referrer varchar, source varchar,
    medium varchar, campaign varchar, content varchar, term varchar, click_id_type varchar, click_id varchar,
    analytics_storage varchar, ads_storage varchar, device varchar, country varchar, region varchar, transaction_id varchar,
    purchase_revenue decimal(18, 6), refund_value decimal(18, 6), currency varchar, property_source varchar,
    property_medium varchar, property_campaign varchar, {{ books }}
);
create table raw.experiments (
    experiment_id varchar, channels varchar, design varchar, geos varchar, start_day date, end_day date, cooldown_end date,
    estimand varchar, value double, low double, high double, level double, se double, spend_treated double,
    spend_control double, currency varchar, kpi varchar, step double, note varchar, {{ books }}
);
create table raw.experiments__panel (
    experiment_id varchar, geo varchar, day date, kpi double, revenue double, spend double, arm varchar, period varchar, {{ books }}
);
create table raw.experiments__arm (
    experiment_id varchar, arm varchar, n bigint, sum double, sum_sq double, cov_n bigint, cov_sum double, cov_sum_sq double,
    cross_sum double, {{ books }}
);
create table raw.content (
    content_id varchar, brief_id varchar, variant_id varchar, url varchar, channel varchar, format varchar, language varchar,
    brand varchar, published_at timestamp, author_type varchar, cost decimal(18, 6), currency varchar, text_sha256 varchar,
    features json, {{ books }}
);
create table raw.content_events (
    event_id varchar, ts timestamp, content_id varchar, type varchar, actor_type varchar, actor_id varchar, payload json, {{ books }}
);
create table raw.ai_panel (
    prompt_id varchar, prompt_text varchar, intent varchar, engine varchar, surface varchar, locale varchar, is_core boolean,
    weight double, {{ books }}
);
create table raw.ai_answers (
    prompt_id varchar, engine varchar, surface varchar, locale varchar, requested_at timestamp, day_slot date, replicate bigint,
    served_model varchar, status varchar, text_sha256 varchar, brands json, own_cited boolean, cited_domains json,
    searched boolean, cost_usd decimal(18, 6), {{ books }}
);
create table raw.context (
    day date, grain varchar, geo varchar, name varchar, value double, role varchar, {{ books }}
);
create table raw.fx_rate (
    rate_date date, from_currency varchar, to_currency varchar, rate_type varchar, rate decimal(18, 10), {{ books }}
);

create table ops.current_run (
    run_id varchar, as_of timestamp, as_of_day date, time_zone varchar, report_currency varchar, kpi varchar,
    value_per_unit decimal(18, 6), window_days integer, order_window_days integer, half_life_days double,
    year_starts_in_month integer
);
create table ops.channel_rule (source varchar, match varchar, channel varchar, priority integer);
create table ops.utm_rule (source varchar, medium varchar, campaign varchar, channel varchar, priority integer);
create table ops.channel (channel varchar, label varchar, channel_class varchar, default_geo varchar, position integer);
create table ops.geo (geo varchar, match varchar, aliases varchar[], population double);
create table ops.ledger_account (account_code varchar, kind varchar, channel varchar, modelled boolean, reason varchar);
create table ops.stage_rule (system varchar, pipeline varchar, stage varchar, ladder varchar);
create table ops.self_reported_rule (match varchar, channel varchar, priority integer);
create table ops.source_option (
    source varchar, grain varchar, zero_fill boolean, complete_days boolean, currency varchar, account_id varchar
);
