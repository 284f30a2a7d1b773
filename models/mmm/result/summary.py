"""Draws summarised as the tables of a fit show them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date as Date

import numpy as np
import polars as pl


def quantiles_by_channel(names: Sequence[str], values: np.ndarray) -> pl.DataFrame:
    """channel, mean, sd, q05, q50, q95 of draws (D, C), one row per name."""
    low, middle, high = np.quantile(values, [0.05, 0.5, 0.95], axis=0)
    return pl.DataFrame(
        {
            "channel": list(names),
            "mean": values.mean(axis=0),
            "sd": values.std(axis=0, ddof=1),
            "q05": low,
            "q50": middle,
            "q95": high,
        }
    )


def means_by_date(
    dates: Sequence[Date], components: Sequence[str], values: np.ndarray, means: np.ndarray
) -> pl.DataFrame:
    """date, component, mean, q05, q95, one row per date and component: ranges of draws (D, T, components), means
    (components, T) of all draws."""
    low, high = np.quantile(values, [0.05, 0.95], axis=0)
    frame = pl.DataFrame(
        {
            "date": np.repeat(np.array(dates, dtype="datetime64[D]"), len(components)),
            "component": np.tile(np.array(components), len(dates)),
            "mean": means.T.ravel(),
            "q05": low.ravel(),
            "q95": high.ravel(),
        }
    )
    return frame.with_columns(pl.col("date").cast(pl.Date))
