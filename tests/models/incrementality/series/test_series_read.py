"""One series without a control group: a step is found, and the read is labelled the weakest kind of evidence."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from models.incrementality import LiftResult, PanelError, read_series
from models.incrementality.geo.simulated import FIRST_MONDAY
from models.incrementality.series.bsts import tail_reading


def daily_series(effect: float, days: int = 120, read: int = 20) -> pl.DataFrame:
    draw = np.random.default_rng(8)
    control = 100 + draw.normal(0, 3, days).cumsum() * 0.3
    kpi = 1.2 * control + draw.normal(0, 1, days)
    kpi[days - read :] += effect
    dates = [FIRST_MONDAY + timedelta(days=d) for d in range(days)]
    return pl.DataFrame({"date": dates, "kpi": kpi, "other_country": control, "unrelated": draw.normal(0, 1, days)})


def test_a_series_read_finds_a_step_and_is_the_weakest_tier():
    start, end = FIRST_MONDAY + timedelta(days=100), FIRST_MONDAY + timedelta(days=119)
    asked = {"start": start, "end": end, "controls": ["other_country", "unrelated"], "seed": 1, "draws": 1_000}
    stepped = read_series(daily_series(3.0), **asked, season=7)
    assert stepped.low < 60 < stepped.high
    assert stepped.significant
    assert (stepped.grade, stepped.inflation, stepped.design) == ("C", 1.5, "time_series")
    assert "weakest_tier" in {w.code for w in stepped.warnings}
    share = dict(stepped.weights.iter_rows())
    assert share["other_country"] == 1.0
    still = read_series(daily_series(0.0), **asked)
    assert still.low < 0 < still.high
    assert repr(read_series(daily_series(0.0), **asked)) == repr(still)
    gap = daily_series(0.0).filter(pl.col("date") != FIRST_MONDAY + timedelta(days=10))
    with pytest.raises(PanelError, match="between 2024-01-10 and 2024-01-12"):
        read_series(gap, **asked)


def autocorrelated(seed: int, days: int = 120) -> pl.DataFrame:
    """A series without an effect whose noise remembers: AR(1) with .7 around 100."""
    draw = np.random.default_rng(seed)
    noise = np.zeros(days + 50)
    for day, shock in enumerate(draw.normal(0, 4, days + 49), start=1):
        noise[day] = 0.7 * noise[day - 1] + shock
    dates = [FIRST_MONDAY + timedelta(days=d) for d in range(days)]
    return pl.DataFrame({"date": dates, "kpi": 100 + noise[50:]})


def read_last(series: pl.DataFrame, length: int = 20, **more: object) -> LiftResult:
    dates = series["date"].to_list()
    return read_series(series, start=dates[-length], end=dates[-1], seed=1, draws=1_000, **more)


@pytest.mark.slow
def test_noise_that_remembers_is_no_effect():
    """A tight level finds an effect in 45 % of these; two Monte Carlo errors of 40 reads around .10 are .19."""
    found = [read_last(autocorrelated(seed)) for seed in range(40)]
    assert np.mean([r.verdict == "valid" and r.significant for r in found]) <= 0.15
    assert all(r.significant == (r.p_value <= 0.1) for r in found)


def test_a_read_is_widened_by_what_earlier_reads_missed():
    series = autocorrelated(3)
    jumped = series.with_columns(kpi=pl.when(pl.col("date") >= series["date"][70]).then(150).otherwise(pl.col("kpi")))
    calm, wild = read_last(series), read_last(jumped)
    assert calm.placebos.height == 5
    assert float(wild.other_form["placebo_factor"]) > 1.5
    assert wild.verdict == "invalid"
    assert "where nothing was done, missed by" in wild.reasons[0]
    assert "lower bound" in wild.reasons[0]


def test_without_history_to_try_it_on_only_a_control_that_fits_carries_a_read():
    series = daily_series(3.0)
    asked = {"start": FIRST_MONDAY + timedelta(days=80), "end": FIRST_MONDAY + timedelta(days=119), "seed": 1}
    assert read_series(series, controls=["other_country"], **asked).verdict != "invalid"
    alone = read_series(series, controls=["unrelated"], **asked)
    assert alone.verdict == "invalid"
    assert "no control follows the KPI" in alone.reasons[0]


def test_the_curve_ends_where_the_read_ends():
    read = read_last(autocorrelated(5))
    last = read.curves.row(-1, named=True)
    assert (last["cumulative"], last["cumulative_low"], last["cumulative_high"]) == pytest.approx(
        (read.effect, read.low, read.high)
    )
    assert read.curves["actual"].sum() == pytest.approx(read.actual)


def test_a_series_in_other_money_has_the_same_relative_effect():
    series = autocorrelated(6)
    euros, cents = read_last(series), read_last(series.with_columns(pl.col("kpi") * 100))
    assert cents.p_value == pytest.approx(euros.p_value)
    assert cents.low == pytest.approx(100 * euros.low)


def test_a_kpi_with_zeros_is_read_in_levels():
    series = autocorrelated(7).with_columns(kpi=pl.when(pl.col("kpi") < 93).then(0.0).otherwise(pl.col("kpi")))
    read = read_last(series)
    assert read.low < read.effect < read.high


def twice_one_trend(series: pl.DataFrame) -> pl.DataFrame:
    day = pl.col("date").dt.ordinal_day()
    return series.with_columns(a=day * 1.0, b=day * 2.0)


@pytest.mark.parametrize(("spoil", "more", "complaint"), [
    pytest.param(lambda f: f.with_columns(still=pl.lit(1.0)), {"controls": ["still"]}, "still never moves", id="still"),
    pytest.param(lambda f: f.with_columns(kpi=pl.lit(5.0)), {}, "kpi never moves", id="kpi"),
    pytest.param(twice_one_trend, {"controls": ["a", "b"]}, "repeat each other", id="collinear"),
    pytest.param(lambda f: f.tail(38), {}, "18 periods before the intervention", id="short"),
    pytest.param(lambda f: f, {"season": 60}, "no two cycles of 60", id="season"),
])  # fmt: skip
def test_what_cannot_be_read_is_refused_in_words(spoil, more, complaint):
    with pytest.raises(PanelError, match=complaint):
        read_last(spoil(autocorrelated(8)), **more)


def test_tail_reading_never_contradicts_itself():
    for seed in range(200):
        draws = np.random.default_rng(seed).normal(1.6, 1, 399)
        found = tail_reading(draws, 0.9)
        assert (found.low <= 0 <= found.high) == (found.p_value > 0.1)
