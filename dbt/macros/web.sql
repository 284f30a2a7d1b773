{#- Host of an address, without www and port, in lower case; null where there is none. -#}
{% macro host_of(url) -%}
nullif(regexp_replace(lower(regexp_extract({{ url }}, '^[a-zA-Z]+://([^/?#:]+)', 1)), '^www\.', ''), '')
{%- endmacro %}

{#- The entry of a list of host endings that matches a host: the longest one that it equals or ends with. -#}
{% macro is_or_ends_with(host, ending) -%}
({{ host }} = {{ ending }} or {{ host }} like '%.' || {{ ending }})
{%- endmacro %}

{#- Paid media, in GA4's own definition. -#}
{% macro is_paid_medium(medium) -%}
regexp_matches(coalesce({{ medium }}, ''), '^(.*cp.*|ppc|retargeting|paid.*|display|banner|expandable|interstitial)$')
{%- endmacro %}
