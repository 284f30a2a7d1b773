-- Whose path a conversion ends, since when, and how far back it may reach: the person's for orders and leads, the account's
-- for stages of a deal. A conversion ends a cycle; the next path of the same unit and stage starts after it.
with united as (
    select
        conversions.conversion_id,
        conversions.stage,
        conversions.person_key,
        conversions.opportunity_id,
        conversions.occurred_at,
        case
            when conversions.stage in ('order', 'lead') then coalesce(conversions.person_key, conversions.conversion_id)
            else coalesce(conversions.account_key, conversions.opportunity_id, conversions.conversion_id)
        end as unit_key,
        cast(
            case when conversions.stage = 'order' then current_run.order_window_days else current_run.window_days end as bigint
        ) * 86400000000 as window_microseconds
    from {{ ref('conversion') }} as conversions
    cross join {{ ref('int_base__current_run') }} as current_run
    where conversions.stage <> 'refund'
)

select
    united.conversion_id,
    united.stage,
    united.person_key,
    united.opportunity_id,
    united.occurred_at,
    united.unit_key,
    united.window_microseconds,
    max(united.occurred_at) over (
        partition by united.stage, united.unit_key
        order by united.occurred_at
        range between unbounded preceding and interval 1 microsecond preceding
    ) as previous_at
from united
