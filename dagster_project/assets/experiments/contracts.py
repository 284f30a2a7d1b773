"""The finished tests of a run as the MMM and the triangulation take them: `measurement.experiment` read back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from models.incrementality import LiftContract

_CONTRACTS = """
with tested as (
    select panel.experiment_id, sum(panel.spend) as spend
    from marts.experiment_panel as panel
    inner join marts.experiment as declared using (experiment_id)
    where list_contains(declared.geos, panel.geo) and panel.day between declared.start_day and declared.end_day
        and panel.spend is not null
    group by panel.experiment_id
)
select
    tests.experiment_id as test_id, tests.channels, tests.geos, tests.design, tests.start_day as start,
    tests.end_day as end, coalesce(tests.cooldown_end, tests.end_day) as cooldown_end, tests.kpi, tests.estimand,
    tests.effect, tests.low, tests.high, tests.effect_se, tests.spend, tests.iroas, tests.iroas_low, tests.iroas_high,
    tests.se as iroas_se, tests.level, tests.verdict, tests.grade, tests.data_sha256, tested.spend as tested_spend
from measurement.experiment as tests
left join tested using (experiment_id)
where tests.run_id = ?
order by tests.experiment_id
"""


def lift_contracts(con: duckdb.DuckDBPyConnection, run_id: str) -> list[LiftContract]:
    """One contract per test of the run, by name: read here or delivered, usable or not."""
    from models.incrementality import LiftContract

    cursor = con.execute(_CONTRACTS, [run_id])
    columns = [column[0] for column in cursor.description or ()]
    rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    return [
        LiftContract(**row | {"channels": tuple(row["channels"] or ()), "geos": tuple(row["geos"] or ())})
        for row in rows
    ]
