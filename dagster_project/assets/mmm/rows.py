"""A fitted media mix model as rows of the result tables; every number is the model's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from models.period_draws import PeriodDraws, in_quarters
from models.periods import WINDOW, Split, split

if TYPE_CHECKING:
    from dagster_project.assets.mmm.fits import Found
    from models.mmm import Changes, Falsification, MMMFit
    from models.warning import Warning

TABLES = (
    "measurement.channel_estimate",
    "measurement.contribution",
    "measurement.curve",
    "measurement.diagnostic",
    "measurement.channel_prior",
    "measurement.mmm_fit",
    "measurement.mmm_change",
)
NAMES = {"iroas": "iROAS", "incremental_revenue": "incremental revenue", "contribution_share": "share of the KPI"}


@dataclass(frozen=True)
class Earlier:
    """The run that a run is compared with, and the file of its fit."""

    run_id: str
    file: str


def quarters_of(fit: MMMFit, year_starts_in_month: int) -> Split:
    """Disjoint runs of the model's periods, cut where a fiscal quarter ends."""
    return split(fit.data.dates, fit.data.grain, year_starts_in_month)


def segment_draws(fit: MMMFit, parts: Split) -> PeriodDraws:
    """The fit's joint draws in money for each segment of `parts`."""
    return fit.contribution_draws(parts.segments).in_money(fit.data.money_per_kpi)


def period_draws(fit: MMMFit, year_starts_in_month: int) -> PeriodDraws:
    """Draws of the fit itself for the window and each fiscal quarter."""
    parts = quarters_of(fit, year_starts_in_month)
    return in_quarters(segment_draws(fit, parts), parts)


def tables(fit: MMMFit, draws: PeriodDraws) -> dict[str, pl.DataFrame]:
    """All rows of one fit: estimates for the window and each fiscal quarter, contributions, curves, diagnostics."""
    in_money = pl.col("mean", "q05", "q95") * fit.data.money_per_kpi
    return {
        "measurement.channel_estimate": estimates(fit, draws),
        "measurement.contribution": contributions(fit),
        "measurement.curve": fit.curves().select("channel", "spend", in_money),
        "measurement.diagnostic": diagnostics(fit),
    }


def estimates(fit: MMMFit, draws: PeriodDraws) -> pl.DataFrame:
    """Rows of `measurement.channel_estimate` with method mmm: incremental revenue, iROAS, mROAS, share of KPI."""
    from models.mmm import evidence_tiers

    tier = dict(evidence_tiers(fit).select("channel", "tier").iter_rows())
    warning_of = {w.subject: w.code for w in reversed(fit.warnings()) if w.severity in ("high", "block")}
    rows = []
    for p, period in enumerate(draws.periods):
        for c, channel in enumerate(draws.components):
            if channel not in fit.data.media_names:
                continue
            values = draws.values[:, p, c]
            estimands = {"incremental_revenue": values, "contribution_share": values / draws.observed[p]}
            spend = draws.spend[p, c] if c < len(fit.data.channels) else 0.0
            if spend > 0:
                estimands["iroas"] = values / spend
            rows += [estimate_row(channel, "mmm", estimand, period, v) for estimand, v in estimands.items()]
    marginal = fit.mroas_draws()
    rows += [estimate_row(c, "mmm", "mroas", WINDOW, marginal[:, i]) for i, c in enumerate(fit.data.channels)]
    for row in rows:
        row["evidence_grade"] = tier.get(str(row["channel"]))
        row["warning"] = warning_of.get(str(row["channel"]))
    return pl.DataFrame(rows, infer_schema_length=None)


def estimate_row(channel: str, method: str, estimand: str, period: str, values: np.ndarray) -> dict[str, object]:
    """One row of `measurement.channel_estimate`: posterior mean, sd and the 5, 50 and 95 % quantiles of the draws."""
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
    return {
        "channel": channel,
        "method": method,
        "estimand": estimand,
        "period": period,
        "mean": float(values.mean()),
        "sd": float(values.std(ddof=1)),
        "q05": float(low),
        "q50": float(middle),
        "q95": float(high),
    }


def contributions(fit: MMMFit) -> pl.DataFrame:
    """Weekly components in money, per region where the model has regions, with the observed KPI beside them."""
    money = fit.data.money_per_kpi
    by_geo = len(fit.data.geos) > 1
    parts = fit.contributions(by_geo=by_geo)
    if not by_geo:
        parts = parts.with_columns(geo=pl.lit("all"))
    geos = fit.data.geos if by_geo else ("all",)
    observed = pl.DataFrame(
        {
            "date": list(fit.data.dates) * len(geos),
            "geo": [g for g in geos for _ in fit.data.dates],
            "component": ["observed"] * (len(geos) * len(fit.data.dates)),
            "mean": fit.data.kpi.ravel(),
        }
    )
    both = pl.concat([parts.select("date", "geo", "component", "mean", "q05", "q95"), observed], how="diagonal_relaxed")
    return both.with_columns(pl.col("mean", "q05", "q95") * money).sort("component", "geo", "date")


def diagnostics(fit: MMMFit) -> pl.DataFrame:
    """The worst reading of each convergence figure against its threshold."""
    checks = fit.diagnostics()
    worst = {
        "r_hat": (checks["r_hat"].max(), 1.01, True),
        "ess_bulk": (checks["ess_bulk"].min(), 400.0, False),
        "ess_tail": (checks["ess_tail"].min(), 400.0, False),
    }
    rows = []
    for name, (value, limit, lower_is_better) in worst.items():
        figure = float(value)  # type: ignore[arg-type]  # polars types min and max for every dtype
        rows.append(
            {
                "name": name,
                "value": figure,
                "threshold": limit,
                "passed": figure <= limit if lower_is_better else figure >= limit,
            }
        )
    return pl.DataFrame(rows)


def with_falsification(diagnostic: pl.DataFrame, attempts: Falsification) -> pl.DataFrame:
    """The convergence figures, and one line per attempt to break the result: its reading against its mark."""
    broken = (
        attempts.tests.select(
            name=pl.format("{}: {}", "test", "channel"), value="value", threshold="mark", passed="passed"
        )
        .sort("passed", "name", maintain_order=True)  # of several readings under one name a failed one stands
        .unique("name", keep="first", maintain_order=True)
    )
    return pl.concat([diagnostic, broken], how="vertical_relaxed")


def provenance(found: Found, earlier: Earlier | None) -> pl.DataFrame:
    """The run's one row of `measurement.mmm_fit`: file, how the fit came about, and the sampled fit behind it."""
    return pl.DataFrame(
        {
            "fit_key": [found.key],
            "file": [found.file],
            "seconds": [found.seconds],
            "engine": [found.fit.engine],
            "path": [found.path],
            "reason": [found.reason],
            "base_key": [found.base_key],
            "previous_run_id": [earlier.run_id if earlier else None],
        },
        schema_overrides={"base_key": pl.String, "previous_run_id": pl.String},
    )


def changed(fits: Path, earlier: Earlier | None, fit: MMMFit) -> tuple[pl.DataFrame, list[Warning]]:
    """What moved each channel's number since the previous run, by cause; empty where there is nothing to compare.

    The warnings name an earlier fit that could not be read.
    """
    from dagster_project.assets.mmm.fits import kept_fit
    from models.mmm import changes

    before, warnings = kept_fit(fits / earlier.file) if earlier else (None, [])
    if earlier is None or before is None:
        return pl.DataFrame(), warnings
    found = changes(before, fit)
    table = found.table.with_columns(
        previous_run_id=pl.lit(earlier.run_id),
        basis=pl.lit(found.basis),
        added=pl.lit(found.added),
        restated=pl.lit(found.restated),
        message=pl.Series([_sentence(row, found) for row in found.table.iter_rows(named=True)], dtype=pl.String),
    )
    return table, warnings


def _sentence(row: dict[str, Any], found: Changes) -> str:
    """One channel's change in words, largest cause first."""
    name, show = NAMES[row["estimand"]], _shown(row["estimand"])
    if row["before"] is None or row["after"] is None:
        gone = row["after"] is None
        return f"{row['channel']} is {'no longer' if gone else 'new'} in the model: there is nothing to compare."
    causes = {
        "data": f"{found.added} new period{'s' * (found.added != 1)}",
        "restatement": f"{found.restated} restated value{'s' * (found.restated != 1)} of old periods",
        "model": f"the model ({found.why_model})" if found.why_model else "the model",
    }
    ranked = sorted((c for c in causes if row[c]), key=lambda c: -abs(row[c]))
    parts = ", ".join(f"{show(row[c], '+')} from {causes[c]}" for c in ranked) or "nothing moved it"
    return f"{name} of {row['channel']}: {show(row['before'])} before, {show(row['after'])} now; {parts}."


def _shown(estimand: str) -> Callable[..., str]:
    form = {"iroas": ".3f", "incremental_revenue": ",.0f", "contribution_share": ".2%"}[estimand]
    return lambda value, sign="": format(value, f"{sign}{form}")


def changes_markdown(changed: pl.DataFrame) -> str:
    """The changes of iROAS as sentences for the asset's page."""
    if changed.is_empty():
        return "no earlier run of this workspace to compare with"
    sentences = changed.filter(pl.col("estimand") == "iroas").sort("channel")["message"]
    return "\n".join(f"* {line}" for line in sentences)


def fit_line(fit: MMMFit) -> pl.DataFrame:
    """Observed and fitted KPI per period over all regions: date, observed, fitted."""
    return pl.DataFrame(
        {"date": fit.data.dates, "observed": fit.data.kpi.sum(axis=0), "fitted": fit.fitted().sum(axis=0)}
    )


def roas_markdown(fit: MMMFit) -> str:
    """iROAS with its 90 % interval per channel, as a table."""
    lines = [
        f"| {r['channel']} | {r['mean']:.2f} | {r['q05']:.2f} - {r['q95']:.2f} |"
        for r in fit.roas().sort("channel").to_dicts()
    ]
    return "\n".join(["| channel | iROAS, MMM alone | 90 % parameter interval |", "|---|---|---|", *lines])
