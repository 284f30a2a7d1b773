-- Spend per channel, region, type of cost and calendar day, in report currency: the one place where a weekly or monthly
-- line is split. It costs the same on every day of its period, to the cent, and its days add up to the line.
with lines as (
    select
        spend_lines.day as first_day,
        {{ last_day_of('spend_lines.day', 'spend_lines.grain') }} as last_day,
        spend_lines.channel,
        spend_lines.geo,
        spend_lines.cost_type,
        case spend_lines.grain when 'month' then 3 when 'week' then 2 else 1 end as coarseness,
        cast(sum(spend_lines.spend_report) * 100 as bigint) as cents,
        bool_and(spend_lines.spend_report is not null or spend_lines.spend = 0) as priced
    from {{ ref('channel_day') }} as spend_lines
    group by all
),

days as (
    select
        lines.first_day + cast(parts.part - 1 as integer) as day,
        lines.channel,
        lines.geo,
        lines.cost_type,
        lines.coarseness,
        {{ even_cents('lines.cents', 'parts.part', '(lines.last_day - lines.first_day + 1)') }} as cents,
        lines.priced
    from lines
    inner join (select unnest(range(1, 32)) as part) as parts
        on parts.part <= lines.last_day - lines.first_day + 1
)

select
    days.day,
    days.channel,
    days.geo,
    days.cost_type,
    runs.report_currency as currency,
    case max(days.coarseness) when 3 then 'month' when 2 then 'week' else 'day' end as coarsest_grain,
    cast(sum(days.cents) * 0.01 as decimal(18, 2)) as spend,
    bool_and(days.priced) as priced
from days
cross join {{ ref('int_base__current_run') }} as runs
group by days.day, days.channel, days.geo, days.cost_type, runs.report_currency
