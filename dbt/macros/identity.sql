{#- Keys of people and accounts. A keyed hash of an address is the same person wherever it was seen: CRM, site or shop. -#}
{% macro person_of_address(hash) -%}
sha256('email|' || {{ hash }})
{%- endmacro %}

{% macro person_of_contact(contact_id, hash) -%}
sha256(case when {{ hash }} is not null then 'email|' || {{ hash }} else 'contact|' || {{ contact_id }} end)
{%- endmacro %}

{% macro person_of_device(stream_id, pseudo_id) -%}
sha256('device|' || {{ stream_id }} || '|' || {{ pseudo_id }})
{%- endmacro %}

{% macro account_of_company(company_id) -%}
sha256('company|' || {{ company_id }})
{%- endmacro %}
