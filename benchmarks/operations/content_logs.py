"""Content logs with known truth: growth, kills, kinds of task, open pieces, and how each metric would end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl

START = date(2026, 1, 5)


@dataclass(frozen=True)
class LogSpec:
    """How pieces come in and end. Times are in days; kinds are (name, share, factor of the time, first-hit rate)."""

    days: int = 90
    per_day: float = 3.0
    growth: float = 0.0  # per day
    median: float = 9.0
    log_sd: float = 0.7
    kill_share: float = 0.0
    kinds: tuple[tuple[str, float, float, float], ...] = (("post", 1.0, 1.0, 0.55),)
    variants: int = 1
    brief_sd: float = 0.0  # of the log time that a brief's variants share


def content_log(spec: LogSpec, rng: np.random.Generator, *, start: date = START) -> pl.DataFrame:
    """Pieces as `models.operations` reads them, seen at the end of the last day.

    Time to publication is log-normal. A kill comes at an exponential time whose rate gives `kill_share` killed. The
    first decision falls at a third of the time to publication; a return adds a round.
    """
    rate = spec.per_day * np.exp(spec.growth * np.arange(spec.days))
    counts = rng.poisson(rate * spec.per_day / rate.mean() if spec.growth else rate)
    begun = np.repeat(np.arange(spec.days), counts) + rng.random(counts.sum())
    briefs = np.arange(begun.size)
    begun, briefs = np.repeat(begun, spec.variants), np.repeat(briefs, spec.variants)
    which = rng.choice(len(spec.kinds), begun.size, p=[kind[1] for kind in spec.kinds])
    factor = np.array([kind[2] for kind in spec.kinds])[which]
    first_hit = rng.random(begun.size) < np.array([kind[3] for kind in spec.kinds])[which]
    shared = rng.normal(0, spec.brief_sd, briefs.max(initial=0) + 1)[briefs]
    own_sd = np.sqrt(max(spec.log_sd**2 - spec.brief_sd**2, 0.0))
    published = spec.median * factor * np.exp(shared + rng.normal(0, own_sd, begun.size))
    killed = rng.exponential(1 / kill_hazard(spec), begun.size) if spec.kill_share else np.full(begun.size, np.inf)
    ends = np.minimum(published, killed)
    decided = begun + published / 3
    seen = decided <= np.minimum(begun + ends, spec.days)
    is_open = begun + ends > spec.days
    origin = datetime.combine(start, datetime.min.time())

    def moments(days: np.ndarray, known: np.ndarray) -> list[datetime | None]:
        return [origin + timedelta(days=float(d)) if k else None for d, k in zip(days, known, strict=True)]

    return pl.DataFrame(
        {
            "content_id": [f"c{i}" for i in range(begun.size)],
            "brief_id": [f"b{i}" for i in briefs],
            "task_kind": [spec.kinds[i][0] for i in which],
            "briefed_at": moments(begun, np.ones(begun.size, bool)),
            "ended_at": moments(begun + ends, ~is_open),
            "ending": np.where(is_open, "open", np.where(published <= killed, "published", "killed")),
            "first_decided_at": moments(decided, seen),
            "is_first_hit": [bool(hit) if known else None for hit, known in zip(first_hit, seen, strict=True)],
        },
        schema_overrides={
            "briefed_at": pl.Datetime("us"),
            "ended_at": pl.Datetime("us"),
            "first_decided_at": pl.Datetime("us"),
        },
    )


def kill_hazard(spec: LogSpec) -> float:
    """Kills per day under which the share `kill_share` of pieces is killed before it is published."""
    from scipy.optimize import brentq

    times = _times(spec)
    return float(brentq(lambda h: float(np.mean(1 - np.exp(-h * times))) - spec.kill_share, 1e-9, 50.0))


def true_median(spec: LogSpec) -> float:
    """Median time to publication of the pieces that get published, kills competing."""
    times = np.sort(_times(spec))
    if not spec.kill_share:
        return float(np.median(times))
    alive = np.exp(-kill_hazard(spec) * times)
    return float(times[np.searchsorted(np.cumsum(alive), alive.sum() / 2)])


def true_first_hits(spec: LogSpec) -> float:
    """Share of first decisions that are approvals, among all pieces."""
    return sum(share * hit for _, share, _, hit in spec.kinds)


def _times(spec: LogSpec) -> np.ndarray:
    """Times to publication at 20,000 equally likely points per kind, in proportion to the kinds' shares."""
    from scipy.stats import norm

    parts = []
    for _, share, factor, _ in spec.kinds:
        points = (np.arange(round(20_000 * share)) + 0.5) / round(20_000 * share)
        parts.append(spec.median * factor * np.exp(spec.log_sd * norm.ppf(points)))
    return np.concatenate(parts)
