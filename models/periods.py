"""Periods of the data: what grain the dates have, which are missing, how many make a year."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date as Date
from datetime import timedelta
from typing import Literal

import numpy as np

Grain = Literal["day", "week", "month"]
PERIODS_PER_YEAR: dict[Grain, float] = {"day": 365.25, "week": 365.25 / 7, "month": 12.0}
PERIODS_PER_WEEK: dict[Grain, float] = {"day": 7.0, "week": 1.0, "month": 12 / (365.25 / 7)}


def grain_of(dates: Sequence[Date], column: str) -> Grain:
    """The step between sorted dates; a gap does not change it. Raises ValueError when no step dominates."""
    if len(dates) < 2:
        raise ValueError(f"column {column!r} holds {len(dates)} dates: one period cannot show an effect")
    steps = np.diff([d.toordinal() for d in dates])
    usual = int(np.median(steps))
    if usual == 1:
        return "day"
    if usual == 7:
        return "week"
    if 28 <= usual <= 31 and len({d.day for d in dates}) <= 4:
        return "month"
    raise ValueError(
        f"column {column!r}: dates are usually {usual} days apart; use daily, weekly (same weekday) or monthly rows"
    )


def missing_dates(dates: Sequence[Date], grain: Grain, column: str) -> list[Date]:
    """Periods that should stand between the first and the last date and do not; off-step dates raise ValueError."""
    if grain == "month":
        have = {(d.year, d.month) for d in dates}
        first, last = dates[0], dates[-1]
        months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
        return [Date(m // 12, m % 12 + 1, 1) for m in months if (m // 12, m % 12 + 1) not in have]
    step = 1 if grain == "day" else 7
    expected = {dates[0] + timedelta(days=k * step) for k in range((dates[-1] - dates[0]).days // step + 1)}
    off = sorted(set(dates) - expected)
    if off:
        raise ValueError(
            f"column {column!r}: {off[0]} does not lie a whole number of {grain}s after {dates[0]}: weekly rows"
            " all need the same weekday"
        )
    return sorted(expected - set(dates))


def days_per_period(dates: Sequence[Date], grain: Grain) -> np.ndarray:
    """Length (T,) of each period in days; months have their own."""
    if grain != "month":
        return np.full(len(dates), 1.0 if grain == "day" else 7.0)
    after = [Date(d.year + d.month // 12, d.month % 12 + 1, min(d.day, 28)) for d in dates]
    return np.array([(b - a.replace(day=min(a.day, 28))).days for a, b in zip(dates, after, strict=True)], dtype=float)


def years_since_start(dates: Sequence[Date]) -> np.ndarray:
    """Calendar time (T,) in years since the first date; leap days do not make the season drift."""
    return np.array([(d.toordinal() - dates[0].toordinal()) / 365.25 for d in dates])


def year_phase(dates: Sequence[Date]) -> np.ndarray:
    """Position (T,) in the calendar year, in [0, 1): the same date has the same phase in every run and every fit."""
    return np.array([((d - Date(d.year, 1, 1)).days + 0.5) / (366 if _leap(d.year) else 365) for d in dates])


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
