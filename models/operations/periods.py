"""Baseline and newest period of an operating metric: their values with ranges, and how far they are apart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from math import ceil, exp, isfinite, log, sqrt
from typing import Literal

import numpy as np
import polars as pl
from pydantic import BaseModel, Field
from scipy.stats import norm
from scipy.stats import t as student

from models.operations.measures import Measure

State = Literal["measured", "not measured", "could not be computed"]
Progress = Literal["reached", "moving", "no change shown", "worse", "too few"]
POWER_Z = 0.842  # power 80 %


class PeriodSpec(BaseModel, frozen=True, extra="forbid"):
    """Which pieces are the baseline, and how ranges are made.

    The baseline is the first `baseline_weeks` complete weeks once they hold `baseline_briefs` briefs, seen as they
    stood `follow_up_weeks` after their end: what is delivered later cannot move it.
    """

    baseline_weeks: int = Field(default=8, ge=1)
    baseline_briefs: int = Field(default=20, ge=2)
    follow_up_weeks: int = Field(default=4, ge=0)
    fewest_pieces: int = Field(default=8, ge=2)
    level: float = Field(default=0.90, gt=0.5, lt=1)
    replicates: int = Field(default=300, ge=50)


@dataclass(frozen=True)
class Window:
    """Weeks from `start` (a Monday) to before `end`, and the moment up to which events count."""

    start: date
    end: date
    seen: datetime


@dataclass(frozen=True)
class Estimate:
    """A metric in one period; `value` is None unless `state` is measured, and `reason` says why."""

    metric: str
    window: Window | None
    state: State
    reason: str
    n: int = 0
    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Change:
    """The newest period against the baseline, at the baseline's mix of task kinds.

    `ratio` with `low, high` (90 %); `raw_ratio` without the mix held; `covered` is the share of the baseline's pieces
    whose kind the newest period also has. `n_needed` pieces a period would show the target in four of five cases.
    """

    metric: str
    state: Progress
    ratio: float | None
    low: float | None
    high: float | None
    raw_ratio: float | None
    covered: float
    target: float | None
    n: int
    n_needed: int | None


def baseline_of(briefed: pl.Series, as_of: date, spec: PeriodSpec) -> Window | None:
    """The weeks of the baseline; None while the log is too young or too small.

    Starts in the week of the first brief and moves on week by week until the weeks hold enough briefs, so a slow start
    is not the baseline. The last one must have ended `follow_up_weeks` ago.
    """
    days = briefed.drop_nulls().dt.date()
    if days.is_empty():
        return None
    weeks = (days - pl.Series([timedelta(days=d.weekday()) for d in days])).sort()
    start = weeks[0]
    # The week of the first brief may have begun before the log did.
    start += timedelta(days=0 if days.min() == start else 7)
    length, wait = timedelta(weeks=spec.baseline_weeks), timedelta(weeks=spec.follow_up_weeks)
    while start + length + wait <= as_of:
        if ((weeks >= start) & (weeks < start + length)).sum() >= spec.baseline_briefs:
            return Window(start, start + length, _midnight(start + length + wait))
        start += timedelta(days=7)
    return None


def newest_of(measure: Measure, as_of: date) -> Window:
    """The metric's last complete weeks as of the end of the day `as_of`, `lag_weeks` back."""
    after = as_of + timedelta(days=1)
    end = after - timedelta(days=after.weekday()) - timedelta(weeks=measure.lag_weeks)
    return Window(end - timedelta(weeks=measure.weeks), end, _midnight(after))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())


def as_seen(pieces: pl.DataFrame, window: Window, measure: Measure) -> pl.DataFrame:
    """The cohort's pieces as they stood at `window.seen`: what ended later is open, its days run up to that moment.

    `pieces`: content_id, brief_id, task_kind, briefed_at, ended_at, ending, first_decided_at and the measure's columns.
    """
    start, end = _midnight(window.start), min(_midnight(window.end), window.seen)
    cohort = pieces.filter(pl.col(measure.cohort).is_between(start, end, closed="left"))
    if measure.cohort == "briefed_at":
        late = (pl.col("ended_at") > window.seen).fill_null(False)
        cohort = cohort.with_columns(
            pl.when(late).then(pl.lit("open")).otherwise("ending").alias("ending"),
            pl.min_horizontal(pl.col("ended_at").fill_null(window.seen), pl.lit(window.seen)).alias("last_seen"),
        ).with_columns(
            ((pl.col("last_seen") - pl.col("briefed_at")).dt.total_microseconds() / 86_400_000_000).alias("days"),
        )
        # A piece that ended before its brief has no cycle time; `operating_metrics` counts such pieces in a warning.
        cohort = cohort.filter(pl.col("days") >= 0)
    return measure.only(cohort) if measure.only else cohort


def estimate(
    pieces: pl.DataFrame, measure: Measure, window: Window | None, spec: PeriodSpec, seed: int, *, why_none: str = ""
) -> Estimate:
    """The metric over the window's cohort, with its range from resampling briefs.

    Shares use Wilson's interval on the number of independent pieces that the resampling implies; medians take its
    percentiles; other amounts Student's t with its standard error.
    """
    missing = [
        name for name in measure.needs if name not in pieces.columns or pieces[name].null_count() == pieces.height
    ]
    if missing:
        return Estimate(measure.name, window, "not measured", f"no column {', '.join(missing)} in the content log")
    if window is None:
        return Estimate(measure.name, None, "could not be computed", why_none)
    cohort = as_seen(pieces, window, measure)
    if cohort.height < spec.fewest_pieces:
        reason = f"{cohort.height} pieces in the period; at least {spec.fewest_pieces} are needed"
        return Estimate(measure.name, window, "could not be computed", reason, cohort.height)
    weights = _weights(cohort, spec.replicates, seed)
    values = measure.values(cohort, weights)
    if not isfinite(values[0]):
        reason = "too many pieces are still open to know how they end"
        return Estimate(measure.name, window, "could not be computed", reason, cohort.height)
    low, high = _range(values, measure, cohort, spec)
    return Estimate(measure.name, window, "measured", "", cohort.height, float(values[0]), low, high)


def change(
    pieces: pl.DataFrame, measure: Measure, baseline: Window | None, newest: Window, spec: PeriodSpec, seed: int
) -> Change:
    """The newest period's level over the baseline's, standardised to the baseline's mix of task kinds.

    `reached`: the whole range lies beyond the target. `moving`: the range excludes 1 on the good side, `worse` on the
    bad. Otherwise `too few` below the number of pieces that would show the target, else `no change shown`.
    """
    nothing = Change(measure.name, "too few", None, None, None, None, 0.0, measure.target, 0, None)
    if baseline is None or newest.start < baseline.end:
        return nothing
    before, after = (as_seen(pieces, window, measure) for window in (baseline, newest))
    kinds = set(before["task_kind"]) & set(after["task_kind"])
    shared = pl.col("task_kind").is_in(sorted(kinds))
    covered = before.filter(shared).height / max(before.height, 1)
    raw = (
        _log_ratio(before, after, measure, spec, seed, standardise=False)[0] if before.height and after.height else None
    )
    before, after = before.filter(shared), after.filter(shared)
    if min(before.height, after.height) < spec.fewest_pieces:
        return nothing
    logs = _log_ratio(before, after, measure, spec, seed, standardise=True)
    spread = logs[1:][np.isfinite(logs[1:])]
    if not isfinite(logs[0]) or spread.size < spec.replicates / 2:
        return nothing
    sd = float(spread.std(ddof=1))
    units = min(before["brief_id"].n_unique(), after["brief_id"].n_unique())
    half = float(student.isf((1 - spec.level) / 2, max(units - 1, 1))) * sd
    ratio, low, high = (exp(v) for v in (logs[0], logs[0] - half, logs[0] + half))
    n = min(before.height, after.height)
    needed = _pieces_needed(measure, sd, n, spec)
    return Change(
        measure.name,
        _state(measure, low, high, n, needed),
        ratio,
        low,
        high,
        exp(raw) if raw is not None and isfinite(raw) else None,
        covered,
        measure.target,
        n,
        needed,
    )


def _state(measure: Measure, low: float, high: float, n: int, needed: int | None) -> Progress:
    if measure.lower_is_better is None:
        return "moving" if low > 1 or high < 1 else "no change shown"
    good = high < 1 if measure.lower_is_better else low > 1
    bad = low > 1 if measure.lower_is_better else high < 1
    if measure.target is not None and (high <= measure.target if measure.lower_is_better else low >= measure.target):
        return "reached"
    if good or bad:
        return "moving" if good else "worse"
    return "too few" if needed is not None and n < needed else "no change shown"


def _pieces_needed(measure: Measure, sd: float, n: int, spec: PeriodSpec) -> int | None:
    """Pieces per period that show the target with a power of 80 %: the spread shrinks with the root of their number."""
    if measure.target is None or sd <= 0:
        return None
    z = float(norm.isf((1 - spec.level) / 2)) + POWER_Z
    return ceil(n * (z * sd / abs(log(measure.target))) ** 2)


def _log_ratio(
    before: pl.DataFrame, after: pl.DataFrame, measure: Measure, spec: PeriodSpec, seed: int, *, standardise: bool
) -> np.ndarray:
    first = _weights(before, spec.replicates, seed)
    second = _weights(after, spec.replicates, seed + 1)
    if standardise:
        second = second * _mix(before, after, second)
    return _level(measure, after, second) - _level(measure, before, first)


def _level(measure: Measure, pieces: pl.DataFrame, weights: np.ndarray) -> np.ndarray:
    if measure.log_level is not None:
        return measure.log_level(pieces, weights)
    values = measure.values(pieces, weights)
    return np.log(np.where(values > 0, values, np.nan))


def _mix(before: pl.DataFrame, after: pl.DataFrame, weights: np.ndarray) -> np.ndarray:
    """Factors that give each kind of task its share in the baseline, per set of weights."""
    factor = np.ones_like(weights)
    total = weights.sum(axis=1)
    for (kind,), rows in before.group_by("task_kind", maintain_order=True):
        members = (after["task_kind"] == kind).to_numpy()
        here = weights[:, members].sum(axis=1)
        wanted = rows.height / before.height
        ratio = np.divide(wanted * total, here, out=np.full_like(total, np.nan), where=here > 0)
        factor[:, members] = ratio[:, None]
    return np.nan_to_num(factor, nan=0.0)


def _weights(cohort: pl.DataFrame, replicates: int, seed: int) -> np.ndarray:
    """Ones, then bootstrap counts: briefs drawn with replacement over the whole cohort.

    Not within weeks: three briefs a week would make every range a fifth too narrow.
    """
    unit_of = (
        cohort.select(pl.coalesce("brief_id", "content_id").rank("dense").cast(pl.Int64) - 1).to_series().to_numpy()
    )
    units = int(unit_of.max()) + 1
    counts = np.random.default_rng([seed, 17]).multinomial(units, np.full(units, 1 / units), replicates)
    return np.vstack([np.ones(cohort.height), counts[:, unit_of].astype(float)])


def _range(values: np.ndarray, measure: Measure, cohort: pl.DataFrame, spec: PeriodSpec) -> tuple[float, float]:
    value, others = float(values[0]), values[1:][np.isfinite(values[1:])]
    tail = (1 - spec.level) / 2
    if measure.kind == "positive" or measure.name == "edit_ratio":
        low, high = np.quantile(others, [tail, 1 - tail])
        return min(float(low), value), max(float(high), value)
    briefs = cohort.select(pl.coalesce("brief_id", "content_id")).to_series().n_unique()
    variance = float(others.var(ddof=1))
    if measure.kind == "share":
        units = min(float(cohort.height), value * (1 - value) / variance) if variance > 0 else float(briefs)
        return wilson(value, units, spec.level)
    half = float(student.isf(tail, max(briefs - 1, 1))) * sqrt(variance)
    return max(value - half, 0.0), value + half


def wilson(share: float, n: float, level: float = 0.90) -> tuple[float, float]:
    """Wilson's score interval for a share of `n` independent pieces; `n` may be a fraction. Source: Wilson (1927)."""
    z = float(norm.isf((1 - level) / 2))
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    # At 0 and 1 the two terms cancel but for rounding.
    return (centre - half if share > 0 else 0.0), (centre + half if share < 1 else 1.0)
