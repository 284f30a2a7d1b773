{#- GA4's default channel grouping in its own order, with one line more: AI assistants, before referral. `kind` is what the
    source is known to be (search, social, video, shopping, ai_assistant). -#}
{% macro default_channel(source, medium, campaign, kind) -%}
case
    when {{ source }} = '(direct)' and {{ medium }} in ('(none)', '(not set)') then 'direct'
    when {{ campaign }} like '%cross-network%' then 'cross_network'
    when
        ({{ kind }} = 'shopping' or regexp_matches({{ campaign }}, '^(.*(([^a-df-z]|^)shop|shopping).*)$'))
        and regexp_matches({{ medium }}, '^(.*cp.*|ppc|retargeting|paid.*)$') then 'paid_shopping'
    when {{ kind }} = 'search' and regexp_matches({{ medium }}, '^(.*cp.*|ppc|retargeting|paid.*)$') then 'paid_search'
    when {{ kind }} = 'social' and regexp_matches({{ medium }}, '^(.*cp.*|ppc|retargeting|paid.*)$') then 'paid_social'
    when {{ kind }} = 'video' and regexp_matches({{ medium }}, '^(.*cp.*|ppc|retargeting|paid.*)$') then 'paid_video'
    when {{ medium }} in ('display', 'banner', 'expandable', 'interstitial', 'cpm') then 'display'
    when regexp_matches({{ medium }}, '^(.*cp.*|ppc|retargeting|paid.*)$') then 'paid_other'
    when
        {{ kind }} = 'shopping'
        or regexp_matches({{ campaign }}, '^(.*(([^a-df-z]|^)shop|shopping).*)$') then 'organic_shopping'
    when
        {{ kind }} = 'social'
        or {{ medium }} in ('social', 'social-network', 'social-media', 'sm', 'social network', 'social media')
        then 'organic_social'
    when {{ kind }} = 'video' or {{ medium }} like '%video%' then 'organic_video'
    when {{ kind }} = 'search' or {{ medium }} = 'organic' then 'organic_search'
    when {{ kind }} = 'ai_assistant' or {{ medium }} = 'ai_assistant' then 'ai_assistant'
    when {{ medium }} in ('referral', 'app', 'link') then 'referral'
    when regexp_matches({{ source }}, '^e[-_ ]?mail$|^newsletter$')
        or regexp_matches({{ medium }}, '^e[-_ ]?mail$|^newsletter$') then 'email'
    when {{ medium }} = 'affiliate' then 'affiliates'
    when {{ medium }} = 'audio' then 'audio'
    when {{ source }} = 'sms' or {{ medium }} = 'sms' then 'sms'
    when
        {{ medium }} like '%push' or {{ medium }} like '%mobile%' or {{ medium }} like '%notification%'
        or {{ source }} = 'firebase' then 'mobile_push'
    else 'unassigned'
end
{%- endmacro %}
