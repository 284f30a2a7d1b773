"""Totals over channels from joint draws, and their comparison with booked revenue."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from models.error import PlumblineError
from models.triangulation.posterior import Triangulation
from models.warning import Warning

TOTAL = "total"
MORE_THAN_BOOKED, NEGATIVE_BASELINE = 0.01, 0.05


class TotalsError(PlumblineError, ValueError):
    """Money of a channel without estimate, or nothing to hold a total against."""


def incremental(result: Triangulation, spend: Mapping[str, float]) -> pl.DataFrame:
    """Incremental revenue of the window per channel and in total: channel, spend, mean, sd, q05, q50, q95.

    Revenue = iROAS x spend, draw by draw, so channel means add up to the total's mean exactly while interval ends do
    not add up, and must not. The last row is `total`. Parameter interval, 90 %. Raises ValueError on a channel
    without estimate or a spend that is not a number >= 0.
    """
    drawn = _by_channel(result, spend)
    rows = np.column_stack([drawn, drawn.sum(axis=1)])
    low, middle, high = np.quantile(rows, [0.05, 0.5, 0.95], axis=0)
    return pl.DataFrame(
        {
            "channel": [*spend, TOTAL],
            "spend": [*(float(s) for s in spend.values()), float(sum(spend.values()))],
            "mean": rows.mean(axis=0),
            "sd": rows.std(axis=0, ddof=1),
            "q05": low,
            "q50": middle,
            "q95": high,
        }
    )


def total_warnings(result: Triangulation, spend: Mapping[str, float], *, booked: float) -> tuple[Warning, ...]:
    """Warnings when marketing would have caused more than was booked at all.

    `booked`: revenue of the same window and definition. Blocks above a 5 % chance (baseline below zero), high above
    1 %. Raises ValueError unless booked > 0.
    """
    if not booked > 0:
        raise TotalsError(f"booked={booked}: revenue of the window must be above 0 to hold a sum against it")
    chance = float((_by_channel(result, spend).sum(axis=1) > booked).mean())
    if chance < MORE_THAN_BOOKED:
        return ()
    return (
        Warning(
            code="more_than_booked",
            severity="block" if chance >= NEGATIVE_BASELINE else "high",
            subject="all",
            message=f"With a chance of {chance:.0%} the channels together would have caused more revenue than was"
            " booked, which cannot be. The level of the evidence is too high.",
            action="Check that spend, claims and bookings mean the same period, currency and outcome; test the largest"
            " channel.",
        ),
    )


def _by_channel(result: Triangulation, spend: Mapping[str, float]) -> np.ndarray:
    channels = result.readings.channels
    for channel, spent in spend.items():
        if channel not in channels:
            raise TotalsError(f"spend names channel {channel!r}, which has no estimate; known: {', '.join(channels)}")
        if not (np.isfinite(spent) and spent >= 0):
            raise TotalsError(f"spend of {channel} is {spent}: it must be a number of at least 0")
    return result.theta[:, [channels.index(channel) for channel in spend]] * np.array(
        [float(s) for s in spend.values()]
    )
