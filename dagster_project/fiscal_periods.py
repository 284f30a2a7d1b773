"""How the model's weeks fall into fiscal quarters: whole weeks go to theirs, a straddling week is split by its days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from dagster_project.assets.mmm.panel import quarter_of

WINDOW = "window"


@dataclass(frozen=True)
class Split:
    """`segments` are disjoint runs of model periods (first and last start day); `weights` (quarters, segments) are the
    share of each segment's days that fall into each quarter; `quarters` names the rows."""

    segments: dict[str, tuple[date, date]]
    quarters: tuple[str, ...]
    weights: np.ndarray


def split(dates: Sequence[date], grain: str, year_starts_in_month: int) -> Split:
    """Segments of the model's periods (`dates` are their first days) and their weights in fiscal quarters."""
    shares = [_shares(day, grain, year_starts_in_month) for day in dates]
    segments: dict[str, tuple[date, date]] = {}
    of_segment: list[dict[str, float]] = []
    for day, share in zip(dates, shares, strict=True):
        if of_segment and len(share) == 1 and of_segment[-1] == share:
            name = list(segments)[-1]
            segments[name] = (segments[name][0], day)
        else:
            segments[f"s{len(segments)}"] = (day, day)
            of_segment.append(share)
    quarters = tuple(sorted({q for share in shares for q in share}))
    weights = np.array([[share.get(q, 0.0) for share in of_segment] for q in quarters])
    return Split(segments, quarters, weights)


def _shares(first: date, grain: str, year_starts_in_month: int) -> dict[str, float]:
    """Share of a period's days in each quarter: {'2026-Q3': 1.0} for nearly all of them."""
    length = {"day": 1, "week": 7}.get(grain) or (
        (first.replace(day=28) + timedelta(days=4)).replace(day=1) - first
    ).days
    counts: dict[str, int] = {}
    for offset in range(length):
        key = quarter_of(first + timedelta(days=offset), year_starts_in_month)
        counts[key] = counts.get(key, 0) + 1
    return {key: count / length for key, count in counts.items()}


def last_day(first: date, grain: str) -> date:
    """The last day of the model period that begins on `first`."""
    if grain == "month":
        return (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return first + timedelta(days={"day": 0, "week": 6}[grain])
