"""The tests of a run in the media mix model's terms: window, regions, lift, and what the control would have spent."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import polars as pl

if TYPE_CHECKING:
    from models.mmm import Experiment, MMMData, MMMFit

NOTHING = 1e-6  # share of the usual spend below which a region counts as dark


def rows_of(con: duckdb.DuckDBPyConnection, run_id: str) -> pl.DataFrame:
    """The run's tests as `measurement.experiment` holds them."""
    return con.sql(
        "select experiment_id, channels, geos, start_day, end_day, coalesce(cooldown_end, end_day) as cooldown_end,"
        " effect, effect_se, inflation, spend, verdict, kpi from measurement.experiment where run_id = $run_id"
        " order by experiment_id",
        params={"run_id": run_id},
    ).pl()


def tests_for(
    rows: pl.DataFrame, data: MMMData, kpi: str, as_of: date
) -> tuple[tuple[Experiment, ...], dict[str, str]]:
    """The run's tests as evidence for `data`, widened for age and for spend far from the usual; and why others are not.

    Only tests on the model's own KPI that read a lift with an error enter; an invalid one never does. Raises
    ValueError, naming the test, where its figures contradict each other.
    """
    from models.mmm import widened

    found: list[Experiment] = []
    left_out: dict[str, str] = {}
    for row in rows.to_dicts():
        reason = _unfit(row, data, kpi, as_of)
        if reason:
            left_out[row["experiment_id"]] = reason
        else:
            found.append(_experiment(row, data))
    return widened(found, data, as_of=as_of)[0] if found else (), left_out


def _unfit(row: dict[str, Any], data: MMMData, kpi: str, as_of: date) -> str | None:
    """Why a test cannot speak to this model, or None."""
    channels = _listed(row["channels"])
    geos = _listed(row["geos"])
    unknown = sorted(set(channels) - set(data.channels))
    if row["verdict"] == "invalid":
        return "the test is invalid"
    if row["kpi"] not in (None, kpi):
        return f"it measured {row['kpi']}, the model explains {kpi}"
    if not channels or unknown:
        return f"{unknown[0] if unknown else 'no channel'} is not a paid channel of the model"
    if not _known(row["effect"]) or not _known(row["effect_se"]):
        return "it has no lift with a standard error"
    if not _known(row["spend"]) or not row["spend"]:
        return "the money that made the difference is not known"
    if geos and not set(geos) <= set(data.geos):
        return "it ran in regions, and the model sees all regions together"
    if row["end_day"] > as_of or row["end_day"] > data.dates[-1]:
        return "it had not ended within the model's data"
    if row["start_day"] < data.dates[0]:
        return "it began before the model's data"
    return None


def _experiment(row: dict[str, Any], data: MMMData) -> Experiment:
    """The test with its control path: what the same regions would have spent without it."""
    from models.mmm import Experiment

    channels, geos = _listed(row["channels"]), _listed(row["geos"])
    when = np.array([row["start_day"] <= d <= row["end_day"] for d in data.dates])
    where = np.isin(data.geos, geos) if geos else np.ones(len(data.geos), dtype=bool)
    columns = [data.channels.index(c) for c in channels]
    spend = data.spend[where][:, :, columns].sum(axis=(0, 2))
    observed, usual = float(spend[when].sum()), float(spend.mean() * when.sum())
    extra = float(row["spend"])
    dark = observed < NOTHING * max(usual, abs(extra))
    return Experiment(
        name=str(row["experiment_id"]),
        channels=channels,
        start=row["start_day"],
        end=row["end_day"],
        cooldown_days=(row["cooldown_end"] - row["end_day"]).days,
        value=row["effect"],
        se=row["effect_se"],
        geos=geos or None,
        control_spend=abs(extra) if dark else 0.0,
        control_share=0.0 if dark else max(1 - extra / observed, 0.0),
        inflation=max(float(row["inflation"] or 1.0), 1.0),
    )


def table(check: pl.DataFrame | None, left_out: dict[str, str]) -> pl.DataFrame:
    """Rows of `measurement.mmm_experiment`: each test beside what the model without tests expected, or why not."""
    parts = []
    if check is not None:
        parts.append(check.rename({"experiment": "experiment_id"}).with_columns(reason=pl.lit(None, dtype=pl.String)))
    if left_out:
        parts.append(
            pl.DataFrame(
                {
                    "experiment_id": list(left_out),
                    "verdict": ["left out"] * len(left_out),
                    "reason": list(left_out.values()),
                }
            )
        )
    return pl.concat(parts, how="diagonal_relaxed") if parts else pl.DataFrame()


def calibrated(fit: MMMFit) -> pl.DataFrame:
    """Rows of `measurement.mmm_calibrated`: iROAS and incremental revenue of the fit that holds the tests."""
    money = pl.col("mean", "sd", "q05", "q50", "q95") * fit.data.money_per_kpi
    lift = fit.totals().with_columns(money, estimand=pl.lit("incremental_revenue"))
    return pl.concat([fit.roas().with_columns(estimand=pl.lit("iroas")), lift], how="diagonal_relaxed").select(
        "channel", "estimand", "mean", "sd", "q05", "q50", "q95"
    )


def as_markdown(rows: pl.DataFrame) -> str:
    """The tests for the asset's page."""
    if rows.is_empty():
        return "no test"
    lines = []
    for r in rows.to_dicts():
        said = r.get("reason") or f"found {r['value']:,.4g} ± {r['se']:,.3g}, expected {r['predicted']:,.4g}"
        lines.append(f"| {r['experiment_id']} | {r['verdict']} | {said} |")
    return "\n".join(["| test | the model without tests | lift |", "|---|---|---|", *lines])


def _listed(text: object) -> tuple[str, ...]:
    return tuple(t for t in str(text or "").split("|") if t and t != "all")


def _known(value: object) -> bool:
    return isinstance(value, int | float) and bool(np.isfinite(value))
