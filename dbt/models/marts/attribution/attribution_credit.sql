-- Credit of every touch for every conversion under every rule. Cents go by largest remainder, so that the rows of a
-- conversion add up to its amount to the cent, in its own currency and in report currency.
with shares as (
    select
        shares.model,
        shares.conversion_id,
        shares.touch_id,
        shares.channel,
        shares.position,
        shares.weight,
        conversions.stage,
        conversions.day,
        cast(conversions.amount * 100 as bigint) as cents,
        cast(conversions.amount_report * 100 as bigint) as cents_report
    from {{ ref('int_attr__share') }} as shares
    inner join {{ ref('conversion') }} as conversions on shares.conversion_id = conversions.conversion_id
),

floored as (
    select
        shares.*,
        {{ whole_cents('shares.weight', 'shares.cents') }} as whole,
        {{ whole_cents('shares.weight', 'shares.cents_report') }} as whole_report
    from shares
),

ranked as (
    select
        floored.*,
        row_number() over (
            partition by floored.model, floored.conversion_id
            order by floored.weight * abs(floored.cents) - floored.whole desc, floored.position, floored.touch_id
        ) as turn,
        row_number() over (
            partition by floored.model, floored.conversion_id
            order by
                floored.weight * abs(floored.cents_report) - floored.whole_report desc, floored.position, floored.touch_id
        ) as turn_report,
        abs(floored.cents) - sum(floored.whole) over (partition by floored.model, floored.conversion_id) as left_over,
        abs(floored.cents_report)
        - sum(floored.whole_report) over (partition by floored.model, floored.conversion_id) as left_over_report
    from floored
)

select
    ranked.model,
    ranked.conversion_id,
    ranked.touch_id,
    ranked.channel,
    ranked.weight as credit,
    {{ cents_as_money('ranked.cents', 'ranked.whole', 'ranked.turn', 'ranked.left_over') }} as amount,
    {{ cents_as_money('ranked.cents_report', 'ranked.whole_report', 'ranked.turn_report', 'ranked.left_over_report') }}
        as amount_report,
    ranked.stage,
    ranked.day
from ranked
