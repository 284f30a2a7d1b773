{#- A field of an event's payload as text. -#}
{% macro payload_text(payload, field) -%}
json_extract_string({{ payload }}, '$.{{ field }}')
{%- endmacro %}

{#- A field of an event's payload as a number; true is 1, false is 0, anything else that is no number is null. -#}
{% macro payload_number(payload, field) -%}
case lower(json_extract_string({{ payload }}, '$.{{ field }}'))
    when 'true' then cast(1 as double)
    when 'false' then cast(0 as double)
    else try_cast(json_extract_string({{ payload }}, '$.{{ field }}') as double)
end
{%- endmacro %}
