"""The evidence table of the triangulation, put together from what the run measured; nothing is estimated here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import polars as pl

from models.periods import WINDOW

if TYPE_CHECKING:
    from models.incrementality import LiftContract
    from models.mmm import MMMFit
    from models.triangulation import MMMDraws
    from models.warning import Warning

DESIGNS = {"geo_rct": "rct", "ab": "rct", "switchback": "quasi", "geo_quasi": "quasi", "time_series": "quasi"}
FEWEST_CONVERSIONS = 30
COLUMNS = {
    "channel": pl.String,
    "method": pl.String,
    "kind": pl.String,
    "iroas": pl.Float64,
    "se": pl.Float64,
    "age_days": pl.Float64,
    "share_captured": pl.Float64,
    "quality": pl.Float64,
    "channel_class": pl.String,
    "design": pl.String,
    "tracking": pl.String,
}


def classes(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Class of each configured channel."""
    return dict(con.execute("select channel, channel_class from ops.channel order by position").fetchall())


def experiment_rows(
    contracts: Sequence[LiftContract], middle: date, fit: MMMFit | None
) -> tuple[list[dict[str, object]], list[Warning]]:
    """One row per usable test of one channel; tests that cannot speak of one channel are named instead."""
    from models.triangulation.estimand import carryover_share, curve_share
    from models.warning import Warning

    carry = half_lives(fit)
    curves = _curves(fit)
    rows: list[dict[str, object]] = []
    warnings = []
    counted: dict[tuple[object, ...], str] = {}
    for test in contracts:
        channel = test.channel
        if channel is None or not test.usable or not test.has_return:
            why = (
                "it moved several channels at once" if channel is None else "it has no bounded return per unit of spend"
            )
            warnings.append(
                Warning(
                    "experiment_not_combined",
                    "low",
                    test.test_id,
                    f"The test stands in the report but does not move a channel's number, because {why}.",
                    "Test one channel at a time, with a change of spend that can be told from zero.",
                )
            )
            continue
        same = (channel, test.start, test.end, test.geos)
        if test.design != "ab" and test.geos and same in counted:
            warnings.append(
                Warning(
                    "experiment_not_combined",
                    "medium",
                    test.test_id,
                    f"The test has the channel, days and regions of {counted[same]}: one test counts once.",
                    "Deliver it under one name.",
                )
            )
            continue
        counted[same] = test.test_id
        duration = (test.end - test.start).days + 1
        share = carryover_share(carry.get(channel, 0.0), duration, (test.cooldown_end - test.end).days)
        actual, extra = test.tested_spend, test.spend
        if channel in curves and actual is not None and extra and actual - extra > 0:
            multiplier, response = curves[channel]
            tested = actual / (actual - extra)
            if abs(tested - 1) > 0.01 and np.interp(1.0, multiplier, response) > 0:
                share *= curve_share(multiplier, response, tested)
        rows.append(
            {
                "channel": channel,
                "method": test.test_id,
                "kind": "experiment",
                "iroas": test.iroas,
                "se": test.iroas_se,
                "age_days": float(max((middle - (test.start + (test.end - test.start) / 2)).days, 0)),
                "share_captured": min(max(share, 0.05), 2.0),
                "quality": test.quality,
                "design": DESIGNS.get(test.design, "platform_lift" if test.design == "platform_lift" else "quasi"),
            }
        )
    return rows, warnings


def half_lives(fit: MMMFit | None) -> dict[str, float]:
    """Posterior mean half-life of each channel in days."""
    if fit is None:
        return {}
    days = {"day": 1, "week": 7, "month": 30.4}[fit.data.grain]
    rows = fit.response_parameters().filter(pl.col("parameter") == "half_life").select("channel", "mean")
    return {channel: mean * days for channel, mean in rows.iter_rows()}


def _curves(fit: MMMFit | None) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    if fit is None:
        return {}
    table = fit.curves(reach=4.0, points=33)
    return {
        str(name[0]): (part["multiplier"].to_numpy(), part["mean"].to_numpy())
        for name, part in table.group_by("channel", maintain_order=True)
    }


def claim_rows(
    con: duckdb.DuckDBPyConnection, run_id: str, spend: dict[str, float], first: date, last: date
) -> list[dict[str, object]]:
    """Claims per unit of spend: the platforms' own, or without them tracked attribution; and self-reported answers.

    The error is the counting error of the conversions behind a claim; how far a whole method is off is learned. A
    claim that rests on fewer than 30 conversions is left out: click paths contain almost no contacts with a video
    or an event.
    """
    from models.triangulation import counting_error

    rows: list[dict[str, object]] = []
    platform_claims = con.execute(
        "select channel, cast(sum(platform_revenue) as double), cast(sum(platform_conversions) as double) from"
        " marts.channel_day where day between ? and ? group by channel having sum(platform_revenue) > 0"
        " order by channel",
        [first, last],
    ).fetchall()
    tracked_claims = con.execute(
        "select channel, value, conversions from measurement.attribution where run_id = ? and model = 'markov'"
        " and stage = 'order' and value > 0 order by channel",
        [run_id],
    ).fetchall()
    self_reported_claims = con.execute(
        "select channel, cast(sum(amount) as double), round(sum(conversions), 9) from marts.attribution_channel"
        " where model = 'self_reported' and stage = 'order' and period = 'window'"
        " group by channel having sum(amount) > 0 order by channel"
    ).fetchall()
    # Platforms and web analytics count the same clicks and share their errors: the second adds no independent evidence.
    clicks = ("platform", "platform", platform_claims) if platform_claims else ("markov", "attribution", tracked_claims)
    for method, kind, claims in (clicks, ("self_reported", "self_reported", self_reported_claims)):
        for channel, revenue, conversions in claims:
            if channel in spend and revenue > 0 and (conversions or 0) >= FEWEST_CONVERSIONS:
                iroas = revenue / spend[channel]
                rows.append(
                    {
                        "channel": channel,
                        "method": method,
                        "kind": kind,
                        "iroas": iroas,
                        "se": counting_error(iroas, conversions),
                        "tracking": "ga4" if kind == "attribution" else None,
                    }
                )
    return rows


def mmm_evidence(fit: MMMFit) -> MMMDraws | None:
    """Joint draws of what the model says of each channel's return, its own prior inside.

    None for a fit that has seen the experiments: they enter the combination by themselves and may not count twice.
    """
    from models.triangulation import MMMDraws

    if fit.uses_experiments or not fit.data.channels:
        return None
    return MMMDraws(fit.data.channels, fit.roas_draws())


def evidence_frame(rows: list[dict[str, object]], class_of: dict[str, str]) -> pl.DataFrame:
    """Rows as the evidence table, with each channel's class."""
    full = [
        {name: row.get(name) for name in COLUMNS} | {"channel_class": class_of.get(str(row["channel"]))} for row in rows
    ]
    return pl.DataFrame(full, schema=COLUMNS)


def reading_estimates(rows: list[dict[str, object]]) -> pl.DataFrame:
    """The readings themselves as rows of `measurement.channel_estimate`; tests of one channel are pooled."""
    from models.triangulation import pooled

    if not rows:
        return pl.DataFrame()
    frame = pl.DataFrame(
        [
            {
                "channel": row["channel"],
                "method": "experiment" if row["kind"] == "experiment" else row["method"],
                "iroas": row["iroas"],
                "se": row["se"],
            }
            for row in rows
        ]
    )
    estimates = pooled(frame).with_columns(estimand=pl.lit("iroas"), period=pl.lit(WINDOW))
    return estimates.select("channel", "method", "estimand", "period", "mean", "sd", "q05", "q50", "q95")
