"""The same-hour control (A/A): do two askings of one question within an hour differ as often as re-runs should?

A rate far above the expected one means that something other than the engine's chance differs (a broken parser, mixed
routes); a rate far below means that the answers are not independent (a cache, a pinned seed).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import polars as pl
from scipy.stats import binom

from models.visibility.panel import ANSWERED, NO_SEARCH

POOLED_WEEKS = 4
HOUR = timedelta(hours=1)
LEVEL = 0.99
State = Literal["passed", "failed", "not measured"]


@dataclass(frozen=True)
class SameHourControl:
    """Pairs of answers within an hour, how many of them differ, and how many may (`low` to `high`, 99 %).

    `expected` is the share of differing pairs if each were two independent draws of its question. `state` is
    `not measured` when there are no pairs, or so few that no count could fail.
    """

    week: date
    pairs: int
    discordant: int
    expected: float | None
    low: int | None
    high: int | None
    state: State
    message: str

    @property
    def passed(self) -> bool | None:
        """True or False, None when the control was not measured."""
        return None if self.state == "not measured" else self.state == "passed"


def same_hour_control(answers: pl.DataFrame, brand: str, week: date) -> SameHourControl:
    """The control over all engines in the four weeks that end with `week`, on "the answer names `brand`".

    `answers` as in `metrics`, with `requested_at` (datetime). A pair is two captured answers of one engine, surface,
    question and day asked at most an hour apart; each answer is in one pair at most. Expected: how often all other
    pairs of answers to the same question in the window differ, mean over the same-hour pairs; a question needs a third
    answer for it. Bound: Binomial(pairs, expected), 99 %, both sides.
    """
    from_week = week - timedelta(weeks=POOLED_WEEKS - 1)
    key = ["engine", "surface", "prompt_id"]
    window = (
        answers.filter(pl.col("week").is_between(from_week, week) & pl.col("status").is_in((ANSWERED, NO_SEARCH)))
        .with_columns(named=pl.col("brands").list.contains(brand).fill_null(False))
        .sort(*key, "day", "requested_at", "replicate")
    )
    counts = window.group_by(key).agg(k=pl.col("named").sum().cast(pl.Int64), n=pl.len().cast(pl.Int64))
    window = window.filter(pl.col("requested_at").is_not_null())
    place = pl.int_range(pl.len()).over(*key, "day")
    numbered = window.with_columns(pair=place // 2, place=place % 2)
    on = [*key, "day", "pair"]
    early, late = (numbered.filter(pl.col("place") == p).select(*on, "requested_at", "named") for p in (0, 1))
    pairs = early.join(late, on=on, suffix="_late").filter(pl.col("requested_at_late") - pl.col("requested_at") <= HOUR)
    pairs = pairs.join(counts.filter(pl.col("n") > 2), on=key)
    if not pairs.height:
        return _control(week, 0, 0, None)
    differs = (pl.col("named") != pl.col("named_late")).cast(pl.Int64)
    others = pl.col("n") * (pl.col("n") - 1) / 2 - 1
    differ, expected = pairs.select(
        differs.sum().alias("differ"),
        ((pl.col("k") * (pl.col("n") - pl.col("k")) - differs) / others).mean().alias("expected"),
    ).row(0)
    return _control(week, pairs.height, int(differ), float(expected))


def _control(week: date, pairs: int, differ: int, expected: float | None) -> SameHourControl:
    if expected is None or expected <= 0:
        why = (
            "no question was asked twice within an hour and a third time in four weeks"
            if not pairs
            else "no question has answers that vary"
        )
        return SameHourControl(week, pairs, differ, expected, None, None, "not measured", f"Not measured: {why}.")
    low, high = (int(bound) for bound in binom.interval(LEVEL, pairs, expected))
    if low == 0 and high >= pairs:
        why = f"{pairs} pairs are too few for any result to fail"
        return SameHourControl(week, pairs, differ, expected, low, high, "not measured", f"Not measured: {why}.")
    seen = f"{differ} of {pairs} same-hour pairs differ; {low} to {high} are expected"
    if differ > high:
        reason = f"{seen}. Answers differ more than chance allows: look for a broken reader or two routes to an engine."
        return SameHourControl(week, pairs, differ, expected, low, high, "failed", reason)
    if differ < low:
        reason = f"{seen}. Answers repeat more than chance allows: look for a cache or a fixed seed."
        return SameHourControl(week, pairs, differ, expected, low, high, "failed", reason)
    return SameHourControl(week, pairs, differ, expected, low, high, "passed", f"{seen}.")
