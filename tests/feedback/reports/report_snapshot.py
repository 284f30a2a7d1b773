"""A published snapshot with the rows a report reads, small and with sums known by hand."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

RUN = "run-20261010-a1b2c3"
START, END = date(2026, 4, 1), date(2026, 9, 30)
# channel, label, spend a day, iROAS, sd, mROAS, sd, claim, weights exp/mmm/attr/prior, grade
CHANNELS = (
    ("search_nonbrand", "Search, non-brand", 9_400, 2.10, 0.24, 1.62, 0.20, 3.10, (0.46, 0.29, 0.14, 0.11), "A"),
    ("paid_social_meta", "Meta", 8_100, 1.72, 0.30, 1.21, 0.24, 4.05, (0.38, 0.31, 0.17, 0.14), "B"),
    ("video", "Online video", 6_300, 1.31, 0.26, 1.05, 0.22, 0.62, (0.41, 0.33, 0.09, 0.17), "A"),
    ("paid_social_linkedin", "LinkedIn", 5_200, 1.05, 0.20, 0.71, 0.15, 1.90, (0.27, 0.40, 0.15, 0.18), "B"),
    ("display", "Display & retargeting", 4_100, 0.42, 0.22, 0.30, 0.16, 5.60, (0.24, 0.36, 0.22, 0.18), "B"),
    ("events", "Events", 3_600, 1.90, 0.80, 1.50, 0.75, None, (0.0, 0.31, 0.28, 0.41), "D"),
    ("search_brand", "Search, brand", 2_300, 0.88, 0.45, 0.55, 0.33, 9.80, (0.0, 0.44, 0.31, 0.25), "C"),
    ("newsletter", "Newsletter", 300, 3.10, 1.40, 2.60, 1.30, None, (0.0, 0.22, 0.37, 0.41), "D"),
)
DAYS = (END - START).days + 1
DDL = """
create schema ops; create schema marts; create schema measurement;
create table ops.current_run (run_id varchar, as_of timestamp, as_of_day date, time_zone varchar,
  report_currency varchar,
  kpi varchar, value_per_unit decimal(18,6), year_starts_in_month int);
create table ops.channel (channel varchar, label varchar, channel_class varchar, position int);
create table ops.not_run (run_id varchar, capability varchar, needs varchar);
create table marts.channel_day (day date, channel varchar, campaign varchar, geo varchar, source varchar,
  cost_type varchar, currency varchar, grain varchar, spend decimal(38,6), spend_report decimal(18,2),
  impressions bigint, clicks bigint, platform_conversions decimal(18,6), platform_revenue decimal(18,6),
  provisional boolean);
create view marts.channel_period_spend as
  select channel, 'day' as period_kind, day as period_start, day as period_end, cost_type,
    sum(spend_report)::decimal(18,2) as spend, bool_and(spend_report is not null) as priced
  from marts.channel_day group by channel, day, cost_type;
create table marts.kpi_day (day date, geo varchar, kpi varchar, grain varchar, value decimal(38,6),
  revenue decimal(38,6),
  revenue_report decimal(18,2), orders bigint, new_customers bigint, currency varchar, provisional boolean);
create table marts.ledger_period (period varchar, kind varchar, channel varchar, currency varchar,
  account_code varchar,
  amount decimal(38,6), amount_report decimal(18,2), entries bigint, unpriced_entries bigint,
  unpriced_amount decimal(38,6), unpriced_from date, modelled boolean, reason varchar);
create table marts.reconciliation (period varchar, currency varchar, booked_revenue decimal(18,2),
  excluded_revenue decimal(18,2), modelled_revenue decimal(18,2), kpi_revenue decimal(18,2),
  gap decimal(18,2),
  ledger_spend decimal(18,2), accrued_spend decimal(18,2), platform_spend decimal(18,2), spend_gap decimal(18,2));
create table measurement.run (run_id varchar, as_of timestamp, started_at timestamp, data_sha256 varchar,
  spec_sha256 varchar, code_version varchar, packages_sha256 varchar, seed bigint, verdict varchar);
create table measurement.period_draw (run_id varchar, period varchar, component varchar, draw int,
  incremental double);
create table measurement.channel_estimate (run_id varchar, channel varchar, method varchar,
  estimand varchar, period varchar,
  mean double, sd double, q05 double, q50 double, q95 double, evidence_grade varchar, warning varchar);
create table measurement.weight (run_id varchar, channel varchar, experiment double, mmm double,
  attribution double, prior double);
create table measurement.conflict (run_id varchar, channel varchar, source varchar, p double,
  flagged boolean, message varchar);
create table measurement.warning (run_id varchar, code varchar, subject varchar, severity varchar,
  message varchar, action varchar);
create table measurement.experiment (run_id varchar, experiment_id varchar, channels varchar,
  design varchar, start_day date,
  end_day date, estimand varchar, effect double, low double, high double, level double, relative double,
  p_value double,
  spend double, iroas double, iroas_low double, iroas_high double, se double, verdict varchar,
  grade varchar, method varchar,
  reasons varchar);
"""


def write_snapshot(path: Path, *, draws: int = 400, baseline_per_day: float = 390_000.37) -> Path:
    """Two fiscal quarters of 2026, eight channels; the ledger books what kpi_day holds and one excluded segment."""
    rng = np.random.default_rng(20261010)
    con = duckdb.connect(str(path))
    con.execute(DDL)
    con.execute(
        "insert into ops.current_run values"
        " (?, '2026-10-09 23:59:59', '2026-10-09', 'Europe/Berlin', 'EUR', 'revenue', null, 1)",
        [RUN],
    )
    con.execute(
        "insert into measurement.run values"
        " (?, '2026-10-09 23:59:59', '2026-10-10 05:00:12', ?, ?, '0.1.0+cbed0b4', ?, 42, 'pass')",
        [RUN, "5e" * 32, "7a" * 32, "c1" * 32],
    )
    for position, (name, label, *_) in enumerate(CHANNELS):
        con.execute("insert into ops.channel values (?, ?, 'other', ?)", [name, label, position])
    _days(con, baseline_per_day)
    _estimates(con, rng, draws, baseline_per_day)
    _ledger(con)
    _texts(con)
    con.close()
    return path


def _days(con: duckdb.DuckDBPyConnection, baseline_per_day: float) -> None:
    caused = sum(spend * iroas for _, _, spend, iroas, *_ in CHANNELS)
    spent, booked = [], []
    for i in range(DAYS):
        day, shape = START + timedelta(days=i), 1 + 0.15 * np.sin(i / 9)
        for name, _, spend, *_ in CHANNELS:
            spent.append({"day": day, "channel": name, "spend": round(spend * shape, 2)})
        revenue = round(baseline_per_day + caused * shape + 900 * np.cos(i / 5), 2)
        booked.append({"day": day, "revenue": revenue, "open": day > date(2026, 9, 27)})
    con.register("spent", pl.DataFrame(spent).to_arrow())
    con.register("booked", pl.DataFrame(booked).to_arrow())
    con.execute(
        "insert into marts.channel_day select day, channel, channel || '-always-on', 'all', channel, 'media', 'EUR',"
        " 'day', spend, spend, 1000, 40, 3, 900.5, false from spent"
    )
    con.execute(
        "insert into marts.kpi_day select day, 'all', 'revenue', 'day', revenue, revenue, revenue, 320, 41, 'EUR', open"
        " from booked"
    )


def _estimates(con: duckdb.DuckDBPyConnection, rng: np.random.Generator, draws: int, baseline: float) -> None:
    frames = []
    for period, first, last in (("2026-Q2", START, date(2026, 6, 30)), ("2026-Q3", date(2026, 7, 1), END)):
        drawn = {}
        for name, _, _, iroas, sd, *_ in CHANNELS:
            (spend,) = con.execute(
                "select sum(spend_report) from marts.channel_day where channel = ? and day between ? and ?",
                [name, first, last],
            ).fetchall()[0]
            sigma = np.sqrt(np.log(1 + (sd / iroas) ** 2))
            shown = iroas * (0.94 if period == "2026-Q2" else 1.0)
            drawn[name] = float(spend) * shown * np.exp(rng.normal(-(sigma**2) / 2, sigma, draws))
        drawn["baseline"] = baseline * ((last - first).days + 1) + rng.normal(0, 450_000, draws)
        frames += [
            pl.DataFrame({"component": [c] * draws, "draw": range(draws), "incremental": v}).with_columns(
                period=pl.lit(period)
            )
            for c, v in drawn.items()
        ]
    con.register("drawn", pl.concat(frames).to_arrow())
    con.execute("insert into measurement.period_draw select ?, period, component, draw, incremental from drawn", [RUN])
    for name, _, _, iroas, sd, mroas, msd, claim, weights, grade in CHANNELS:
        rows = [
            ("triangulated", "iroas", iroas, sd, grade),
            ("triangulated", "mroas", mroas, msd, grade),
            ("mmm", "iroas", iroas * 1.12, sd * 1.2, None),
        ]
        if claim:
            rows.append(("platform", "iroas", claim, 0.02, None))
        for method, estimand, m, s, g in rows:
            con.execute(
                "insert into measurement.channel_estimate values (?, ?, ?, ?, 'window', ?, ?, ?, ?, ?, ?, null)",
                [RUN, name, method, estimand, m, s, m - 1.645 * s, m, m + 1.645 * s, g],
            )
        con.execute("insert into measurement.weight values (?, ?, ?, ?, ?, ?)", [RUN, name, *weights])


def _ledger(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        """insert into marts.ledger_period
           with revenue as (
             select strftime(day, '%Y-%m') as period, sum(revenue_report) as amount from marts.kpi_day group by 1
           ), media as (
             select strftime(day, '%Y-%m') as period, sum(spend_report) as amount from marts.channel_day group by 1
           )
           select period, 'revenue', '(none)', 'EUR', '4000', amount + 4100.25, amount + 4100.25, 900,
             0, null, null, true, null
             from revenue
           union all select period, 'refund', '(none)', 'EUR', '4090', 4100.25, 4100.25, 3, 0, null, null, true,
             null from revenue
           union all select period, 'revenue', '(none)', 'EUR', '4400', 212000.55, 212000.55, 12, 0, null, null,
             false,
             'hardware resale, no marketing' from revenue
           union all select period, 'media_spend', '(none)', 'EUR', '6600', amount, amount, 40, 0, null, null,
             true, null from media"""
    )
    con.execute(
        """insert into marts.reconciliation
           with revenue as (
             select strftime(day, '%Y-%m') as period, sum(revenue_report) as amount from marts.kpi_day group by 1
           ), media as (
             select strftime(day, '%Y-%m') as period, sum(spend_report) as amount from marts.channel_day group by 1
           )
           select period, 'EUR', r.amount + 212000.55, 212000.55, r.amount, r.amount, 0, m.amount, 0, m.amount + 118.40,
             -118.40 from revenue r join media m using (period)"""
    )


def _texts(con: duckdb.DuckDBPyConnection) -> None:
    con.executemany(
        "insert into measurement.warning values (?, ?, ?, ?, ?, ?)",
        [
            (
                RUN,
                "channels_not_separable",
                "events, newsletter",
                "high",
                "Events and newsletter were run in the same weeks (correlation 0.93), so these data cannot say which"
                " of them caused the effect. Their sum can be trusted more than either.",
                "Read the two as one line, or pause the newsletter in some regions for four weeks.",
            ),
            (
                RUN,
                "method_drift",
                "platform",
                "medium",
                "Platform claims moved away from everything else by more than their usual bias.",
                "Check whether an attribution window or a tag changed.",
            ),
            (RUN, "short_history", "newsletter", "low", "Newsletter has 26 weeks of spend.", "Wait for a full year."),
        ],
    )
    con.execute(
        "insert into measurement.conflict values"
        " (?, 'display', 'platform', 0.0031, true, 'platform reads 5.60 where the other evidence expects 0.61'),"
        " (?, 'video', 'experiment', 0.41, false, '')",
        [RUN, RUN],
    )
    con.execute("insert into ops.not_run values (?, 'ai_visibility', 'landing/ai_panel and landing/ai_answers')", [RUN])
    tests = [
        ("GEO-07", "search_nonbrand", "2026-06-01", "2026-06-28", 2.25, 1.70, 2.80),
        ("GEO-06", "video", "2026-04-06", "2026-05-03", 1.20, 0.70, 1.70),
        ("GEO-05", "display", "2026-02-02", "2026-03-01", 0.10, -0.25, 0.32),
        ("META-LIFT-3", "paid_social_meta", "2026-01-05", "2026-02-01", 1.60, 1.00, 2.20),
        ("GEO-04", "paid_social_linkedin", "2025-09-01", "2025-10-05", 1.15, 0.60, 1.70),
    ]
    for test, channel, first, last, point, low, high in tests:
        con.execute(
            "insert into measurement.experiment values (?, ?, ?, 'geo', ?, ?, 'iroas', 1000, 500, 1500, 0.9, 0.1, 0.02,"
            " 5000, ?, ?, ?, 0.3, 'effect', 'A', 'sdid', null)",
            [RUN, test, channel, first, last, point, low, high],
        )


def changed(source: Path, target: Path, *statements: str) -> Path:
    """A copy of a snapshot in which something is different."""
    shutil.copyfile(source, target)
    with duckdb.connect(str(target)) as con:
        for statement in statements:
            con.execute(statement)
    return target
