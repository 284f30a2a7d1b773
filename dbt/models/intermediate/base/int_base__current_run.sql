-- The run's day, currency, KPI and windows: one row.
select
    runs.run_id,
    runs.as_of,
    runs.as_of_day,
    runs.time_zone,
    runs.report_currency,
    runs.kpi,
    runs.value_per_unit,
    runs.window_days,
    runs.order_window_days,
    runs.half_life_days,
    runs.year_starts_in_month
from {{ source('ops', 'current_run') }} as runs
