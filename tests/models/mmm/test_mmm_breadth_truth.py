"""Worlds in which leaving a part of the model out gives a wrong number, and the fit that has it gives the right one."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from models.mmm import ChannelSpec, LogNormal, Mediator, MMMData, MMMSpec, fit, load

pytestmark = pytest.mark.slow
QUICK = MMMSpec(adstock="geometric", saturation="logistic", season_harmonics=1)


def weeks(count):
    return [date(2022, 1, 3) + timedelta(days=7 * i) for i in range(count)]


def carried(x, half_life):
    keep = 0.5 ** (1 / half_life)
    out, level = np.empty_like(x), 0.0
    for t, value in enumerate(x):
        level = keep * level + (1 - keep) * value
        out[t] = level
    return out


def autoregressive(rng, count, rho):
    out = np.zeros(count)
    for t in range(1, count):
        out[t] = rho * out[t - 1] + np.sqrt(1 - rho**2) * rng.normal()
    return out


def spend(rng, count, level=800.0):
    return level * np.exp(rng.normal(0, 0.6, count)) * (rng.random(count) > 0.2)


def inside(row, truth, widths=4.0):
    """Within four posterior sds: room for an unlucky world, none for a wrong model."""
    return abs(row["mean"] - truth) < widths * row["sd"]


def row_of(table, **where):
    return table.filter(*(pl.col(k) == v for k, v in where.items())).row(0, named=True)


def reach_world(count=104):
    rng = np.random.default_rng(11)
    reach, often = 400 * np.exp(rng.normal(0, 0.5, count)), rng.uniform(1.0, 7.0, count)
    video = 4.0 * carried(reach / (1 + (2.5 / often) ** 2.5), 1.0)
    search = spend(rng, count)
    paid = 900 * np.tanh(carried(search, 1.0) / 1600)
    kpi = 8000 + video + paid + rng.normal(0, 100, count)
    frame = pl.DataFrame({"date": weeks(count), "kpi": kpi, "search": search, "reach": reach, "often": often})
    return frame, {"video": video.sum(), "search": paid.sum()}


def test_reach_and_frequency_are_told_apart_and_the_best_frequency_is_found(tmp_path):
    frame, truth = reach_world()
    data = MMMData.from_frame(
        frame, date="date", kpi="kpi", spend={"search": "search"}, organic={"video": "reach"},
        reach={"video": ("reach", "often")},
    )  # fmt: skip
    found = fit(data, QUICK.model_copy(update={"channels": {
        "video": ChannelSpec(share=LogNormal.with_median(0.1, 1.0))}}), seed=1)  # fmt: skip
    assert found.converged
    assert found.engine == "pymc"
    for row in found.totals().iter_rows(named=True):
        assert inside(row, truth[row["channel"]])
    best = row_of(found.optimal_frequency(), channel="video")
    true_best = 2.5 * 1.5 ** (1 / 2.5)  # where h(f) / f of a Hill curve with slope 2.5 is greatest
    assert best["q05"] - 0.1 <= true_best <= best["q95"] + 0.1
    assert best["gain"] > 1.05
    again = load(found.save(tmp_path / "fit"))
    assert again.totals().equals(found.totals())
    assert again.optimal_frequency().equals(found.optimal_frequency())


def mediated_world(count=130):
    rng = np.random.default_rng(12)
    video, search = spend(rng, count), spend(rng, count)
    felt = np.tanh(carried(video, 2.0) / 1600)
    own = 1000 * (1 + 0.12 * autoregressive(rng, count, 0.6))
    sent = 300 * felt / felt.mean()
    searches = own + sent + rng.normal(0, 15, count)
    direct, paid = 600 * felt / felt.mean(), 900 * np.tanh(carried(search, 1.0) / 1600)
    kpi = 6000 + 3 * searches + direct + paid + rng.normal(0, 100, count)
    frame = pl.DataFrame({"date": weeks(count), "kpi": kpi, "video": video, "search": search, "brand": searches})
    return frame, {"direct": direct.sum(), "through brand searches": 3 * sent.sum(), "search": paid.sum()}


def test_what_runs_through_brand_search_is_credited_to_the_channel_that_caused_it():
    frame, truth = mediated_world()
    media = {"video": "video", "search": "search"}
    naive = fit(
        MMMData.from_frame(frame, date="date", kpi="kpi", spend=media, organic={"brand": "brand"}), QUICK, seed=1
    )
    data = MMMData.from_frame(
        frame, date="date", kpi="kpi", spend=media, mediators={"brand searches": Mediator("brand", ("video",))}
    )
    found = fit(data, QUICK, seed=1)
    assert found.converged
    total = truth["direct"] + truth["through brand searches"]
    # as a channel of its own, brand search takes what video caused: the naive range is far below the truth
    assert row_of(naive.totals(), channel="video")["q95"] < 0.75 * total
    table = found.mediation()
    assert inside(row_of(table, path="total"), total)
    assert row_of(table, path="total")["mean"] == pytest.approx(total, rel=0.2)
    for path in ("direct", "through brand searches"):
        assert inside(row_of(table, path=path), truth[path])
    assert row_of(found.totals(), channel="video")["mean"] == pytest.approx(row_of(table, path="total")["mean"])
    assert inside(row_of(found.totals(), channel="search"), truth["search"])
    lines = dict(found.closure().iter_rows())
    assert lines["fitted"] + lines["residual"] == pytest.approx(lines["observed"], rel=1e-12)
    # sales that searches brought by themselves: 3 per search, about 1000 a week
    assert lines["brand searches"] == pytest.approx(3 * 1000 * 130, rel=0.25)
    assert abs(lines["residual"]) < 0.005 * lines["observed"]


def visibility_world(seed, count=150):
    rng = np.random.default_rng(seed)
    share = np.clip(0.3 + 0.08 * autoregressive(rng, count, 0.7), 0.02, 1)
    search = spend(rng, count)
    cited = 900 * np.tanh(np.log(3) / 2 * share / 0.45) / np.tanh(np.log(3) / 2 * 0.3 / 0.45)
    paid = 900 * np.tanh(carried(search, 1.0) / 1600)
    kpi = 8000 + cited + paid + rng.normal(0, 80, count)
    read = np.clip(share + rng.normal(0, 0.07, count), 0, 1)
    frame = pl.DataFrame({"date": weeks(count), "kpi": kpi, "search": search, "ai": read, "se": np.full(count, 0.07)})
    return frame, float(cited.sum())


def visibility_fit(frame, *, measured, **choices):
    data = MMMData.from_frame(
        frame, date="date", kpi="kpi", spend={"search": "search"}, organic={"ai": "ai"}, levels=["ai"],
        organic_se={"ai": "se"} if measured else None,
    )  # fmt: skip
    belief = {"ai": ChannelSpec(share=LogNormal.with_median(0.08, 1.0))}
    return fit(data, QUICK.model_copy(update={"channels": belief, **choices}), seed=1)


def test_measurement_error_shrinks_a_naive_effect_and_not_one_that_knows_of_it():
    naive, aware, covered = [], [], 0
    for seed in range(4):
        frame, truth = visibility_world(seed)
        naive.append(row_of(visibility_fit(frame, measured=False).totals(), channel="ai")["mean"] / truth)
        row = row_of(visibility_fit(frame, measured=True).totals(), channel="ai")
        aware.append(row["mean"] / truth)
        covered += inside(row, truth, widths=2.5)
    # readings hold 57 % signal: the naive slope is about that of the truth, the aware one near 1 (s.e. of 4 worlds: .1)
    assert np.mean(naive) < 0.8
    assert np.mean(aware) == pytest.approx(1.0, abs=0.2)
    assert covered >= 3


def test_unknown_true_values_agree_with_the_calibrated_series():
    frame, truth = visibility_world(0, count=90)
    quick = row_of(visibility_fit(frame, measured=True).totals(), channel="ai")
    found = visibility_fit(frame, measured=True, measurement="latent")
    assert found.converged
    exact = row_of(found.totals(), channel="ai")
    assert inside(exact, truth)
    assert exact["mean"] == pytest.approx(quick["mean"], abs=0.7 * exact["sd"])  # the KPI itself informs the series too
