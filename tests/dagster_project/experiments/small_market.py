"""A market of ten regions with one channel that went dark in two of them, as marts of a warehouse; truth known."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from dagster_project.assets.experiments.frozen_designs import FrozenDesign, freeze
from dagster_project.warehouse import run_record, tables
from dagster_project.workspace.paths import Workspace
from dagster_project.workspace.settings import load

FIRST, DAYS = date(2026, 1, 5), 260
REGIONS = tuple(f"r{number:02d}" for number in range(10))
Read = Callable[..., dict]
TREATED, START, END = ("r02", "r05"), date(2026, 8, 3), date(2026, 8, 30)
IROAS = 2.0
SETTINGS = """company: {name: Small Market, brand: small-market}
report_currency: EUR
margin: 0.6
clock: 2026-09-24
channels:
  - {name: social, class: paid_social}
"""
MARTS = """
create schema if not exists marts;
create table marts.experiment (experiment_id varchar, estimand varchar, channels varchar[], geos varchar[],
  design varchar, start_day date, end_day date, cooldown_end date, value double, se double, low double, high double,
  level double, spend_treated double, spend_control double, currency varchar, kpi varchar, control_arm varchar,
  split varchar, planned_users bigint, declared boolean, delivered_at timestamp);
create table marts.experiment_arm (experiment_id varchar, stratum varchar, arm varchar, n bigint, crossed bigint,
  sum double, sum_sq double, den_sum double, den_sum_sq double, num_den_sum double, cov_n bigint, cov_sum double,
  cov_sum_sq double, cross_sum double, covden_sum double, covden_sum_sq double, num_covden_sum double,
  den_cov_sum double, den_covden_sum double, cov_covden_sum double, buyers bigint, sum_cu double);
create table marts.experiment_panel (experiment_id varchar, geo varchar, day date, kpi double, spend double,
  arm varchar, period varchar);
"""


def rows(*, dark: bool = True) -> pl.DataFrame:
    """geo, day, revenue, spend: revenue is a common season with 2 % noise plus two euros per euro of spend."""
    rng = np.random.default_rng(5)
    base = rng.lognormal(7, 0.4, len(REGIONS))
    season = 1 + 0.1 * np.sin(np.arange(DAYS) / 7 * 2 * np.pi)
    spend = base[:, None] * 0.1 * rng.uniform(0.8, 1.2, (len(REGIONS), DAYS))
    if dark:
        for region in TREATED:
            spend[REGIONS.index(region), (START - FIRST).days : (END - FIRST).days + 1] = 0
    noise = np.exp(0.02 * rng.normal(size=spend.shape))
    revenue = base[:, None] * season * noise + IROAS * spend
    days = [FIRST + timedelta(days=number) for number in range(DAYS)]
    return pl.DataFrame(
        {
            "geo": np.repeat(np.array(REGIONS), DAYS),
            "day": days * len(REGIONS),
            "revenue": revenue.ravel().round(2),
            "spend": spend.ravel().round(2),
        }
    )


def workspace(folder: Path, *, dark: bool = True) -> Workspace:
    """A workspace whose warehouse holds the market's marts, as a run would find them before it reads tests."""
    made = Workspace.at(folder / "ws")
    made.root.mkdir()
    made.settings_file.write_text(SETTINGS)
    made.landing.mkdir()
    made.derived.mkdir()
    market = rows(dark=dark)
    settings = load(made.settings_file)
    with duckdb.connect(str(made.warehouse)) as con:
        tables.create_tables(con)
        run_record.begin(con, settings, print_="0" * 64, as_of_day=date(2026, 9, 24), seed=1, selection="")
        con.execute(MARTS)
        con.register("market", market.to_arrow())
        con.execute(
            "create table marts.kpi_day as select day, geo, 'revenue' as kpi, 'day' as grain,"
            " cast(revenue as decimal(38, 6)) as value, cast(revenue as decimal(18, 2)) as revenue_report from market"
        )
        con.execute(
            "create table marts.channel_day as select day, 'social' as channel, 'meta_ads' as source, geo,"
            " 'day' as grain, 'media' as cost_type, cast(spend as decimal(18, 2)) as spend_report from market"
        )
        con.execute(
            "create view marts.channel_spend_day as select day, channel, geo, cost_type, sum(spend_report) as spend"
            " from marts.channel_day group by all"
        )
    return made


def declare(
    made: Workspace, name: str = "dark", *, geos: tuple[str, ...] = TREATED, end: date = END, until: date | None = None
) -> None:
    """Declare the test and cut its panel, as the SQL does it."""
    with duckdb.connect(str(made.warehouse)) as con:
        con.execute(
            "insert into marts.experiment (experiment_id, estimand, channels, geos, design, start_day, end_day,"
            " cooldown_end, kpi, declared) values (?, 'incremental_revenue', ['social'], ?, 'geo_rct', ?, ?, ?,"
            " 'revenue', true)",
            [name, list(geos), START, end, end],
        )
        con.execute(
            "insert into marts.experiment_panel select ?, k.geo, k.day, cast(k.revenue_report as double),"
            " cast(c.spend_report as double), null, null from marts.kpi_day k join marts.channel_day c using (geo, day)"
            " where k.day <= ? and k.day <= ?",
            [name, end, until or end],
        )


def finish(made: Workspace) -> None:
    """Close the run and publish it, so that readers find it."""
    from dagster_project.assets.publish import snapshot

    with duckdb.connect(str(made.warehouse)) as con:
        run = run_record.current(con).run_id
        run_record.close(con, run, "finished")
        con.execute('create table if not exists raw.quarantine (source varchar, file varchar, "row" bigint)')
    snapshot.copy(made)
    snapshot.publish(made, run, 3)


def freeze_dark(made: Workspace, name: str = "dark", *, days: int = 28, looks: tuple[float, ...] = ()) -> FrozenDesign:
    """The design of the dark test, made from the days before it as the company would have made it."""
    from models.incrementality import design_geo

    frozen_on = START - timedelta(days=4)
    before = rows().filter(pl.col("day") < frozen_on).rename({"day": "date", "revenue": "kpi"})
    [design] = design_geo(
        before, duration=days, start=START, kind="go_dark", must=TREATED, sizes=(2,), margin=0.6, target_iroas=2.0,
        seed=1, count=1,
    )  # fmt: skip
    frozen = FrozenDesign(name, ("social",), "revenue", True, frozen_on, design, looks)
    freeze(frozen, made.experiments, made.landing, today=frozen_on)
    return frozen
