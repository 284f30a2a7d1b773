"""The combined level over periods and along the curve: shape from the MMM, level from all evidence."""

from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from models.period_draws import PeriodDraws
from models.periods import split
from models.triangulation import (
    Window,
    marginal_levels,
    period_levels,
    rescale,
    window_levels,
    with_unpaid_in_baseline,
)

WINDOW = Window(date(2026, 1, 8), date(2026, 2, 18), {"a": 1000.0, "b": 400.0})


def mmm_draws(draws=400, zero_in=()):
    generator = np.random.default_rng(1)
    rows = []
    for d in range(draws):
        for c in "ab":
            level = 0.0 if d in zero_in else np.exp(generator.normal(0, 0.3))
            for w in range(10):
                rows.append((d, c, date(2026, 1, 1) + timedelta(weeks=w), level * (50.0 + 10 * w)))
    return pl.DataFrame(rows, schema=["draw", "channel", "date", "contribution"], orient="row")


def theta_draws(draws=2000):
    generator = np.random.default_rng(2)
    common = generator.normal(0, 0.2, draws)
    frames = [
        pl.DataFrame({"draw": range(draws), "channel": [c] * draws, "theta": np.exp(common + np.log(m))})
        for c, m in (("a", 1.4), ("b", 0.7))
    ]
    return pl.concat(frames)


def test_the_window_total_of_each_draw_is_spend_times_theta():
    found = rescale(mmm_draws(), theta_draws(), WINDOW)
    inside = found.draws.filter(pl.col("date").is_between(WINDOW.start, WINDOW.end))
    total = inside.group_by("draw", "channel").agg(pl.col("contribution").sum())
    thetas = theta_draws().pivot(on="channel", index="draw", values="theta")
    # 2,000 theta draws over 400 MMM draws: every fifth.
    for draw in (0, 7, 399):
        for channel, spend in WINDOW.spend.items():
            reached = total.filter(draw=draw, channel=channel)["contribution"].item()
            assert reached / spend == pytest.approx(thetas.filter(draw=draw * 5)[channel].item(), rel=1e-12)


def test_gates_pass_and_dependence_between_channels_survives():
    found = rescale(mmm_draws(), theta_draws(), WINDOW)
    assert found.gates["passed"].all()
    wide = found.draws.group_by("draw", "channel").agg(pl.col("contribution").sum())
    wide = wide.pivot(on="channel", index="draw", values="contribution")
    assert np.corrcoef(np.log(wide["a"]), np.log(wide["b"]))[0, 1] > 0.99


def test_the_shape_over_time_stays_the_mmms():
    before, after = mmm_draws(), rescale(mmm_draws(), theta_draws(), WINDOW).draws
    both = before.join(after, on=["draw", "channel", "date"])
    ratio = both.with_columns(r=pl.col("contribution_right") / pl.col("contribution"))
    spread = ratio.group_by("draw", "channel").agg((pl.col("r").max() - pl.col("r").min()) / pl.col("r").mean())
    assert spread["r"].max() < 1e-12


def test_a_draw_without_effect_takes_the_mean_shape():
    found = rescale(mmm_draws(zero_in=(3,)), theta_draws(), WINDOW)
    assert found.draws.filter(draw=3)["contribution"].min() > 0
    assert found.gates["passed"].all()


@pytest.mark.parametrize(
    ("mmm", "theta", "window", "complaint"),
    [
        pytest.param(mmm_draws(5), theta_draws().filter(channel="a"), WINDOW, "theta_draws lacks.* b", id="no theta"),
        pytest.param(
            mmm_draws(5),
            theta_draws(),
            Window(WINDOW.start, WINDOW.end, {"a": 1.0}),
            "window.spend lacks",
            id="no spend",
        ),
        pytest.param(mmm_draws(2, zero_in=(0, 1)), theta_draws(), WINDOW, "no effect in the window", id="no effect"),
    ],
)
def test_what_cannot_be_rescaled_is_refused(mmm, theta, window, complaint):
    with pytest.raises(ValueError, match=complaint):
        rescale(mmm, theta, window)


def test_a_window_must_run_forward_and_have_spend():
    with pytest.raises(ValueError, match="before it starts"):
        Window(date(2026, 2, 1), date(2026, 1, 1), {})
    with pytest.raises(ValueError, match="spend of tv"):
        Window(date(2026, 1, 1), date(2026, 2, 1), {"tv": 0.0})


def combination(channels=("a", "b"), draws=2000):
    """As `combine` returns it, with known joint draws."""
    frame = theta_draws(draws)
    theta = np.column_stack([frame.filter(channel=c)["theta"].to_numpy() for c in channels])
    return SimpleNamespace(theta=theta, readings=SimpleNamespace(channels=channels), draws=frame)


def test_quarters_add_up_to_a_window_whose_return_is_the_combined_one():
    weeks = [date(2026, 3, 2) + timedelta(weeks=w) for w in range(9)]
    parts = split(weeks, "week", 1)
    rng = np.random.default_rng(3)
    values = rng.gamma(4.0, 20.0, (400, len(parts.segments), 4))
    spend = np.full((len(parts.segments), 2), 50.0)
    names = ("a", "b", "mail", "intercept")
    segments = PeriodDraws(tuple(parts.segments), names, values, values.mean(axis=0).sum(axis=1), spend)
    levels = period_levels(combination(), segments, parts, unpaid=["mail"])
    assert levels.periods == ("window", "2026-Q1", "2026-Q2")
    assert levels.components == ("a", "b", "mail", "baseline")
    np.testing.assert_allclose(levels.values[:, 1:].sum(axis=1), levels.values[:, 0])
    np.testing.assert_allclose(levels.values[:, 0, :2] / levels.spend[0], combination().theta[::5], rtol=1e-9)
    np.testing.assert_allclose(levels.values.sum(axis=2)[:, 0], values.sum(axis=(1, 2)))


def test_without_an_mmm_there_is_the_window_alone():
    levels = window_levels(combination(), {"a": 10.0})
    assert (levels.periods, levels.components, levels.values.shape) == (("window",), ("a", "b"), (1000, 1, 2))
    np.testing.assert_allclose(levels.values[0, 0], [combination().theta[0, 0] * 10, 0.0])


def test_the_next_unit_returns_the_combined_average_times_the_curves_ratio():
    roas, mroas = np.full((500, 2), 2.0), np.full((500, 2), 0.5)
    levels = marginal_levels(combination(), ["b", "unknown"], mroas=mroas, roas=roas)
    assert list(levels) == ["b"]
    np.testing.assert_allclose(levels["b"][[0, -1]], combination().theta[[0, -1], 1] / 4)


def test_what_no_money_bought_is_baseline_and_nothing_is_lost() -> None:
    values = np.random.default_rng(0).normal(size=(5, 2, 4))
    names = ("search", "tv", "ai_visibility", "baseline")
    draws = PeriodDraws(("window", "2026-Q1"), names, values, np.ones(2), np.ones((2, 2)))
    folded = with_unpaid_in_baseline(draws)
    assert folded.components == ("search", "tv", "baseline")
    np.testing.assert_allclose(folded.values.sum(axis=2), values.sum(axis=2))
    np.testing.assert_allclose(folded.values[:, :, 2], values[:, :, 2] + values[:, :, 3])


def test_channels_alone_stay_as_they_are() -> None:
    draws = PeriodDraws(("window",), ("search", "tv"), np.ones((3, 1, 2)), np.zeros(1), np.ones((1, 2)))
    assert with_unpaid_in_baseline(draws) is draws
