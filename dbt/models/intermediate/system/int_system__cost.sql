-- What a piece cost to make, in report currency: language models by their events, and the delivered cost of the piece.
with amounts as (
    select
        events.content_id,
        {{ payload_number('events.payload', 'model_cost') }} as amount,
        {{ payload_text('events.payload', 'currency') }} as currency,
        cast(events.occurred_at as date) as day
    from {{ ref('stg_content__event') }} as events
    where {{ payload_number('events.payload', 'model_cost') }} is not null and events.content_id is not null
    union all
    select
        lives.content_id,
        cast(pieces.cost as double) as amount,
        pieces.currency,
        cast(coalesce(pieces.published_at, lives.briefed_at) as date) as day
    from {{ ref('int_system__content_life') }} as lives
    inner join {{ ref('stg_content__piece') }} as pieces on lives.content_id = pieces.content_id
    where pieces.cost is not null
)

select
    amounts.content_id,
    cast(sum({{ in_report_currency('amounts.amount', 'rates.rate') }}) as decimal(18, 2)) as cost,
    count(case when rates.rate is null then 1 end) as unpriced
from amounts
left join {{ ref('int_base__fx_rate') }} as rates
    on amounts.currency = rates.from_currency and amounts.day between rates.valid_from and rates.valid_until
group by amounts.content_id
