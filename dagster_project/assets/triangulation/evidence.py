"""The evidence table of the triangulation, put together from what the run measured; nothing is estimated here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from models.channel_classes import CLASSES, UNKNOWN
from models.periods import WINDOW

if TYPE_CHECKING:
    from models.incrementality import LiftContract
    from models.mmm import MMMFit
    from models.warning import Warning

DESIGNS = {"geo_rct": "rct", "ab": "rct", "switchback": "quasi", "geo_quasi": "quasi", "time_series": "quasi"}


def experiment_rows(
    contracts: Sequence[LiftContract], middle: date, captured: Mapping[str, np.ndarray], class_of: Mapping[str, str]
) -> tuple[list[dict[str, object]], list[Warning]]:
    """One row per usable test of one channel; tests that cannot speak of one channel are named instead.

    `captured` holds, per test, draws of the part of the channel's return that it reads; the row states their median.
    Without a model it is what falls inside the test and its cool-down at the usual half-life of the channel's class.
    """
    from models.triangulation.estimand import carryover_share
    from models.triangulation.vocabulary import LEAST_CAPTURED, MOST_CAPTURED
    from models.warning import Warning

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
        if test.test_id in captured:
            share = float(np.median(captured[test.test_id]))
        else:
            half_life = 7 * CLASSES[class_of.get(channel, UNKNOWN)].half_life_weeks
            duration, cooldown = (test.end - test.start).days + 1, max((test.cooldown_end - test.end).days, 0)
            share = carryover_share(half_life, duration, cooldown)
        rows.append(
            {
                "channel": channel,
                "method": test.test_id,
                "kind": "experiment",
                "iroas": test.iroas,
                "se": test.iroas_se,
                "age_days": float(max((middle - (test.start + (test.end - test.start) / 2)).days, 0)),
                "share_captured": min(max(share, LEAST_CAPTURED), MOST_CAPTURED),
                "quality": test.quality,
                "design": DESIGNS.get(test.design, "platform_lift" if test.design == "platform_lift" else "quasi"),
            }
        )
    return rows, warnings


def half_lives(fit: MMMFit | None) -> dict[str, float]:
    """Posterior median half-life of each channel in days: of a weak channel the mean is the tail of its prior."""
    if fit is None:
        return {}
    days = {"day": 1, "week": 7, "month": 30.4}[fit.data.grain]
    rows = fit.response_parameters().filter(pl.col("parameter") == "half_life").select("channel", "q50")
    return {channel: middle * days for channel, middle in rows.iter_rows()}


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
