"""Baseline and newest period on simulated content logs with known truth; the benchmark runs hundreds of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from benchmarks.operations.content_logs import START, LogSpec, content_log, true_median
from models.operations.measures import Measure, measures
from models.operations.periods import PeriodSpec, Window, baseline_of, change, estimate, newest_of, wilson

MEASURES = {measure.name: measure for measure in measures((0.25, 0.45))}
SPEC = PeriodSpec(replicates=100)
CYCLE = MEASURES["cycle_time"]


def window(start: date, days: int, follow_up: int = 0) -> Window:
    end = start + timedelta(days=days)
    return Window(start, end, datetime.combine(end + timedelta(days=follow_up), datetime.min.time()))


def two_periods(before: LogSpec, after: LogSpec, seed: int) -> tuple[pl.DataFrame, Window, Window]:
    rng, later = np.random.default_rng(seed), START + timedelta(days=112)
    first, second = content_log(before, rng), content_log(after, rng, start=later)
    pieces = pl.concat([first.with_columns(pl.format("x{}", "brief_id").alias("brief_id")), second])
    return pieces, window(START, 56, 28), window(later, 56, 28)


def _arguments(periods: tuple[pl.DataFrame, Window, Window]) -> tuple[pl.DataFrame, Measure, Window, Window]:
    return periods[0], CYCLE, periods[1], periods[2]


def test_open_pieces_are_censored_where_the_naive_median_is_a_fifth_too_short():
    log = LogSpec(days=90, per_day=20, growth=0.05)
    pieces = content_log(log, np.random.default_rng(1))
    result = estimate(pieces, CYCLE, window(START, 90), SPEC, 1)
    published = pieces.filter(pl.col("ending") == "published")
    naive = (published["ended_at"] - published["briefed_at"]).dt.total_seconds().median() / 86_400
    assert result.value == pytest.approx(true_median(log), rel=0.08)
    assert naive < 0.87 * true_median(log)
    assert result.low < true_median(log) < result.high


def test_a_planted_gain_moves_and_none_does_not():
    log = LogSpec(days=84, per_day=3.0)
    pieces, before, after = two_periods(log, replace(log, median=5.4), 5)
    found = change(pieces, CYCLE, before, after, SPEC, 5)
    assert found.state in ("moving", "reached")
    assert found.low < 0.6 < found.high
    # One in twenty without a change looks like a gain: that is the level. Three of ten would be 1 % likely.
    without = [change(*_arguments(two_periods(log, log, seed)), SPEC, seed).state for seed in range(10, 20)]
    assert without.count("moving") <= 2
    assert without.count("reached") == 0


def test_more_easy_pieces_are_no_improvement():
    hard = LogSpec(days=84, per_day=15, kinds=(("post", 0.3, 0.6, 0.65), ("film", 0.7, 1.6, 0.4)))
    easy = replace(hard, kinds=(("post", 0.6, 0.6, 0.65), ("film", 0.4, 1.6, 0.4)))
    pieces, before, after = two_periods(hard, easy, 7)
    for name in ("cycle_time", "first_hit_rate"):
        found = change(pieces, MEASURES[name], before, after, SPEC, 7)
        assert found.ratio == pytest.approx(1, abs=0.1)
        assert abs(found.raw_ratio - 1) > 0.1


def test_the_baseline_is_frozen_and_waits_for_its_briefs():
    days = [START + timedelta(days=3 * i) for i in range(60)]
    briefed = pl.Series([datetime.combine(d, datetime.min.time()) for d in days])
    window_ = baseline_of(briefed, date(2026, 6, 1), PeriodSpec(baseline_briefs=10))
    assert window_ is not None
    assert (window_.start, window_.end) == (START, START + timedelta(weeks=8))
    assert baseline_of(briefed, window_.end + timedelta(days=20), PeriodSpec(baseline_briefs=10)) is None
    assert baseline_of(briefed, date(2026, 6, 1), PeriodSpec(baseline_briefs=50)) is None
    assert baseline_of(briefed.clear(), date(2026, 6, 1), SPEC) is None


def test_what_happens_after_the_window_was_seen_cannot_move_it():
    pieces = content_log(LogSpec(days=120, per_day=4), np.random.default_rng(8))
    seen = window(START, 56, 28)
    later = pieces.with_columns(
        pl.when(pl.col("ended_at") > seen.seen)
        .then(pl.col("ended_at") + timedelta(days=9))
        .otherwise("ended_at")
        .alias("ended_at")
    )
    assert estimate(pieces, CYCLE, seen, SPEC, 1) == estimate(later, CYCLE, seen, SPEC, 1)


def test_a_missing_column_too_few_pieces_and_too_many_open_ones_are_three_states():
    pieces = content_log(LogSpec(days=40, per_day=2), np.random.default_rng(9))
    missing = estimate(pieces, MEASURES["tokens_per_published_piece"], window(START, 40), SPEC, 1)
    assert (missing.state, missing.reason) == ("not measured", "no column tokens in the content log")
    few = estimate(pieces.head(3), CYCLE, window(START, 40), SPEC, 1)
    assert few.state == "could not be computed"
    assert "3 pieces" in few.reason
    young = estimate(pieces, CYCLE, window(START, 5), SPEC, 1)
    assert young.state == "could not be computed"


def test_the_newest_period_ends_with_the_last_complete_week():
    newest = newest_of(CYCLE, date(2026, 11, 25))
    assert (newest.start, newest.end) == (date(2026, 9, 28), date(2026, 11, 23))
    assert newest_of(CYCLE, date(2026, 11, 29)).end == date(2026, 11, 30)


def test_wilson_at_the_edges():
    assert wilson(0.0, 10)[0] == 0.0
    assert wilson(1.0, 10)[1] == 1.0
    low, high = wilson(0.5, 100)
    assert (low, high) == (pytest.approx(0.4189, abs=1e-3), pytest.approx(0.5811, abs=1e-3))
