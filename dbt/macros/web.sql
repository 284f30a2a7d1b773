{#- Host of an address, without www and port, in lower case; null where there is none. -#}
{% macro host_of(url) -%}
nullif(regexp_replace(lower(regexp_extract({{ url }}, '^[a-zA-Z]+://([^/?#:]+)', 1)), '^www\.', ''), '')
{%- endmacro %}

{#- Where a host stands in a list of host endings: the longest one that it is or ends with. -#}
{% macro is_or_ends_with(host, ending) -%}
({{ host }} = {{ ending }} or {{ host }} like '%.' || {{ ending }})
{%- endmacro %}

{#- Media that somebody paid for, in GA4's own definition. -#}
{% macro is_paid_medium(medium) -%}
regexp_matches(coalesce({{ medium }}, ''), '^(.*cp.*|ppc|retargeting|paid.*|display|banner|expandable|interstitial)$')
{%- endmacro %}
