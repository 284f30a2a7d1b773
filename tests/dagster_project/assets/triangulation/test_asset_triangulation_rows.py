"""The iROAS of a period divides effect by spend of the same days, in the table as on the page."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import duckdb
import numpy as np
import polars as pl
import pytest

from dagster_project.assets.triangulation import rows
from dagster_project.warehouse import tables
from dagster_project.warehouse.media_spend import media_spend_by_period
from feedback.reports.snapshot.context import context_of
from feedback.reports.snapshot.period import quarter
from feedback.reports.snapshot.settings import ReportSettings
from models.period_draws import PeriodDraws, with_spend

RUN = "run-1"
SPEND = """
create table marts.channel_period_spend as
select 'radio' as channel, 'day' as period_kind, cast(day as date) as period_start, 'media' as cost_type,
    cast(case when day <= '2026-09-27' then 100 else 1000 end as decimal(18, 2)) as spend
from range(date '2026-06-01', date '2026-10-01', interval 1 day) as t (day)
"""
COMBINED = SimpleNamespace(
    estimates=pl.DataFrame(
        {
            "channel": ["radio"],
            "evidence_grade": ["C"],
            "measured": [True],
            **{column: [2.0] for column in ("mean", "sd", "q05", "q50", "q95")},
        }
    ),
    weights=pl.DataFrame(),
    biases=pl.DataFrame(schema=["method", "mean", "sd", "q05", "q95", "prior_mean", "prior_sd", "drifted"]),
    conflicts=pl.DataFrame(
        schema={
            "channel": pl.String,
            "method": pl.String,
            "p": pl.Float64,
            "flag": pl.String,
            "observed": pl.Float64,
            "expected": pl.Float64,
        }
    ),
    warnings=(),
)


@pytest.fixture
def con():
    with duckdb.connect() as opened:
        for schema in ("measurement", "feedback", "marts"):
            opened.execute(f"create schema {schema}")
        tables.create_tables(opened)
        opened.execute(SPEND)
        yield opened


def test_table_and_page_divide_by_the_spend_of_the_measured_days(con):
    """The model ends on 27 September, three days before the quarter, and these three days cost ten times as much."""
    days = rows.measured_days(date(2026, 6, 1), date(2026, 9, 27), 1)
    assert days["2026-Q3"] == (date(2026, 7, 1), date(2026, 9, 27))
    periods = ("window", "2026-Q2", "2026-Q3")
    effects = np.array([[23_000.0, 6_000.0, 17_000.0], [24_600.0, 6_000.0, 18_600.0]])
    values = np.stack([effects, np.full_like(effects, 90_000.0)], axis=2)
    draws = PeriodDraws(periods, ("radio", "baseline"), values, np.full(3, 100_000.0), np.zeros((3, 1)))
    spend = media_spend_by_period(con, days)
    draws = with_spend(draws, spend)

    table = rows.estimates(COMBINED, None, draws, spend["window"])
    iroas = table.filter(pl.col("estimand") == "iroas", pl.col("period") == "2026-Q3")
    assert iroas["mean"].item() == pytest.approx(17_800 / 8_900)  # and not 17 800 / 11 900

    for name, frame in rows.side_tables(COMBINED, draws, days).items():
        tables.replace(con, name, RUN, frame)
    settings = ReportSettings(company="Acme", currency="EUR")
    context = context_of(con, RUN, quarter("2026-Q3"), settings)
    assert context.iroas_draws("radio").mean() == pytest.approx(iroas["mean"].item())
    assert context.spend.of("radio") == 11_900
    assert context.measured_spend.of("radio") == 8_900
