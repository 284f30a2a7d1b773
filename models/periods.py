"""Days, weeks, months and fiscal quarters: the grain of the data, where periods end, which quarter they fall into."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date as Date
from datetime import timedelta
from typing import Literal

import numpy as np

Grain = Literal["day", "week", "month"]
TODAY = "today"  # the seven days up to the newest day of spend
WINDOW = "window"  # name of the period that holds everything a model saw
QUARTER = re.compile(r"^(\d{4})-Q([1-4])$")
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
    firsts = [day.replace(day=min(day.day, 28)) for day in dates]
    return np.array([(last_day(first, grain) - first).days + 1 for first in firsts], dtype=float)


def last_day(first: Date, grain: Grain) -> Date:
    """Last day of the period that begins on `first`; a month ends on the day before the same day of the next one."""
    if grain == "month":
        following = Date(first.year + first.month // 12, first.month % 12 + 1, min(first.day, 28))
        return following - timedelta(days=1)
    return first + timedelta(days={"day": 0, "week": 6}[grain])


def quarter_of(day: Date, year_starts_in_month: int = 1) -> str:
    """Fiscal quarter of a day, `2026-Q3`; a fiscal year carries the number of the calendar year in which it ends."""
    months_in = (day.month - year_starts_in_month) % 12
    year = day.year + (1 if year_starts_in_month > 1 and day.month >= year_starts_in_month else 0)
    return f"{year}-Q{months_in // 3 + 1}"


def quarter_days(key: str, year_starts_in_month: int = 1) -> tuple[Date, Date]:
    """First and last day of the fiscal quarter named `2026-Q3`.

    With a year that starts in July, 2026-Q1 is July to September 2025. Raises ValueError on any other form of key.
    """
    parts = QUARTER.match(key)
    if not parts:
        raise ValueError(f"period {key!r} is not a fiscal quarter; write it as 2026-Q3")
    year = int(parts[1]) - (1 if year_starts_in_month > 1 else 0)
    month = year * 12 + year_starts_in_month - 1 + 3 * (int(parts[2]) - 1)
    return _first_of(month), _first_of(month + 3) - timedelta(days=1)


def _first_of(month: int) -> Date:
    return Date(month // 12, month % 12 + 1, 1)


def quarters_within(first: Date, last: Date, year_starts_in_month: int = 1) -> dict[str, tuple[Date, Date]]:
    """First and last day of each fiscal quarter between two days; the outer ones are cut at them."""
    quarters: dict[str, tuple[Date, Date]] = {}
    day = first
    while day <= last:
        key = quarter_of(day, year_starts_in_month)
        end = min(quarter_days(key, year_starts_in_month)[1], last)
        quarters[key] = (day, end)
        day = end + timedelta(days=1)
    return quarters


@dataclass(frozen=True)
class Split:
    """How periods of data fall into fiscal quarters.

    `segments` are disjoint runs of periods (first days of the first and the last one); `weights` (quarters, segments)
    is the share of each segment's days that falls into each quarter; `quarters` names the rows.
    """

    segments: dict[str, tuple[Date, Date]]
    quarters: tuple[str, ...]
    weights: np.ndarray


def split(dates: Sequence[Date], grain: Grain, year_starts_in_month: int) -> Split:
    """Segments of the periods that begin on `dates`: whole ones go to their quarter, one on the border by its days."""
    shares = [_shares(day, grain, year_starts_in_month) for day in dates]
    segments: dict[str, tuple[Date, Date]] = {}
    of_segment: list[dict[str, float]] = []
    for day, share in zip(dates, shares, strict=True):
        if of_segment and len(share) == 1 and of_segment[-1] == share:
            name = list(segments)[-1]
            segments[name] = (segments[name][0], day)
        else:
            segments[f"s{len(segments)}"] = (day, day)
            of_segment.append(share)
    quarters = tuple(sorted({quarter for share in shares for quarter in share}))
    weights = np.array([[share.get(quarter, 0.0) for share in of_segment] for quarter in quarters])
    return Split(segments, quarters, weights)


def _shares(first: Date, grain: Grain, year_starts_in_month: int) -> dict[str, float]:
    """Share of a period's days in each quarter: {'2026-Q3': 1.0} for nearly all of them."""
    length = (last_day(first, grain) - first).days + 1
    counts: dict[str, int] = {}
    for offset in range(length):
        key = quarter_of(first + timedelta(days=offset), year_starts_in_month)
        counts[key] = counts.get(key, 0) + 1
    return {key: count / length for key, count in counts.items()}


def years_since_start(dates: Sequence[Date]) -> np.ndarray:
    """Calendar time (T,) in years since the first date; leap days do not make the season drift."""
    return np.array([(d.toordinal() - dates[0].toordinal()) / 365.25 for d in dates])


def year_phase(dates: Sequence[Date]) -> np.ndarray:
    """Position (T,) in the calendar year, in [0, 1): the same date has the same phase in every run and every fit."""
    return np.array([((d - Date(d.year, 1, 1)).days + 0.5) / (366 if _leap(d.year) else 365) for d in dates])


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
