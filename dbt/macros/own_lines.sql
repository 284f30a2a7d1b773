{#- Rows of a file that the company keeps itself, by the identity rule: `fact` says what is counted, `line` how a file may split
    it. The newest delivery of a line counts; of several splits of one fact exactly one does, the one that was told last, and
    told on one day the one with fewest columns. Names are compared in normal form; a currency is never part of a key, so
    rows of one file in two spellings or two currencies add up. -#}
{% macro own_lines(relation, fact, line) -%}
with delivered as (
    select
        delivered.*,
        cast(delivered._delivered_at as date) as told
    from {{ relation }} as delivered
    where delivered._delivered_at <= {{ as_of() }}
),

split_by as (
    select
        delivered._batch_id,
        {% for column in line -%}
        cast(bool_or(delivered.{{ column }} is not null) as integer){{ " + " if not loop.last }}
        {%- endfor %} as split_columns,
        {% for column in line -%}
        case when bool_or(delivered.{{ column }} is not null) then '{{ column }},' else '' end{{ " || " if not loop.last }}
        {%- endfor %} as split
    from delivered
    group by delivered._batch_id
),

keyed as (
    select
        delivered.*,
        split_by.split,
        split_by.split_columns,
        rank() over (
            partition by
                {{ fact | join(', ') }}, split_by.split
                {%- for column in line %}, {{ normal_name('delivered.' ~ column) }}{% endfor %}
            order by delivered._delivered_at desc, delivered._batch_id desc
        ) as recency,
        max(delivered.told) over (partition by {{ fact | join(', ') }}, split_by.split) as said_on
    from delivered
    inner join split_by on delivered._batch_id = split_by._batch_id
),

newest as (
    select
        keyed.*,
        dense_rank() over (
            partition by {{ fact | join(', ') | replace('delivered.', 'keyed.') }}
            order by keyed.said_on desc, keyed.split_columns, keyed.split
        ) as split_choice
    from keyed
    where keyed.recency = 1
)

select newest.* from newest where newest.split_choice = 1
{%- endmacro %}

{#- A channel's name as a word of SQL and of file names: letters and digits of every script, a hash where there are none. -#}
{% macro channel_word(name) -%}
coalesce(
    nullif(trim(regexp_replace(lower(nfc_normalize({{ name }})), '[^\p{L}\p{M}\p{N}]+', '_', 'g'), '_'), ''),
    'channel_' || left(sha256({{ name }}), 8)
)
{%- endmacro %}
