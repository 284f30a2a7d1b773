-- The outcome as the company reports it per day (or week, month), geo and KPI.
with ranked as (
    {{ own_lines(source('raw', 'revenue'), ['delivered.day', "coalesce(delivered.kpi, 'revenue')"], ['geo']) | indent(4) }}
)

select
    ranked.day,
    coalesce(ranked.grain, 'day') as grain,
    ranked.geo,
    coalesce(ranked.kpi, current_run.kpi) as kpi,
    coalesce(ranked.value, ranked.revenue) as value,
    case
        when ranked.revenue is not null then ranked.revenue
        when coalesce(ranked.kpi, current_run.kpi) = 'revenue' then ranked.value
    end as revenue,
    ranked.orders,
    ranked.new_customers,
    coalesce(ranked.currency, current_run.report_currency) as currency
from ranked
cross join {{ source('ops', 'current_run') }} as current_run
