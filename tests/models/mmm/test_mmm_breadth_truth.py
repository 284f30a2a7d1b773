"""Worlds in which leaving a part of the model out gives a wrong number, and the fit that has it gives the right one."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.mmm import (
    ChannelSpec,
    LogNormal,
    Mediator,
    MMMData,
    MMMSpec,
    Sampling,
    evidence_tiers,
    fit,
    load,
    mediation,
    optimal_frequency,
)
from models.worlds import mmm_breadth as worlds

pytestmark = pytest.mark.slow
# two chains: the gates ask for 400 effective draws all the same
QUICK = MMMSpec(
    adstock="geometric", saturation="logistic", season_harmonics=1, sampling=Sampling(chains=2, draws=700)
)  # fmt: skip


def inside(row, truth, widths=4.0):
    """Within four posterior sds: room for an unlucky world, none for a wrong model."""
    return abs(row["mean"] - truth) < widths * row["sd"]


def row_of(table, **where):
    return table.filter(*(pl.col(k) == v for k, v in where.items())).row(0, named=True)


def test_reach_and_frequency_are_told_apart_and_the_best_frequency_is_found(tmp_path):
    frame, truth = worlds.reach(11)
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
    best = row_of(optimal_frequency(found), channel="video")
    true_best = 2.5 * 1.5 ** (1 / 2.5)  # where h(f) / f of a Hill curve with slope 2.5 is greatest
    assert best["q05"] - 0.1 <= true_best <= best["q95"] + 0.1
    assert best["gain"] > 1.05
    again = load(found.save(tmp_path / "fit"))
    assert again.totals().equals(found.totals())
    assert optimal_frequency(again).equals(optimal_frequency(found))


def test_what_runs_through_brand_search_is_credited_to_the_channel_that_caused_it():
    frame, truth = worlds.mediated(12)
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
    table = mediation(found)
    assert inside(row_of(table, path="total"), total)
    assert row_of(table, path="total")["mean"] == pytest.approx(total, rel=0.2)
    for path in ("direct", "through brand searches"):
        assert inside(row_of(table, path=path), truth[path])
    assert row_of(found.totals(), channel="video")["mean"] == pytest.approx(row_of(table, path="total")["mean"])
    assert inside(row_of(found.totals(), channel="search"), truth["search"])
    lines = dict(found.closure().iter_rows())
    assert lines["fitted"] + lines["residual"] == pytest.approx(lines["observed"], rel=1e-12)
    # sales that searches brought by themselves
    assert lines["brand searches"] == pytest.approx(truth["brand searches"], rel=0.25)
    assert abs(lines["residual"]) < 0.005 * lines["observed"]


def visibility_fit(frame, *, measured, **choices):
    data = MMMData.from_frame(
        frame, date="date", kpi="kpi", spend={"search": "search"}, organic={"ai": "ai"}, levels=["ai"],
        organic_se={"ai": "se"} if measured else None,
    )  # fmt: skip
    belief = {"ai": ChannelSpec(share=LogNormal.with_median(0.08, 1.0))}
    return fit(data, QUICK.model_copy(update={"channels": belief, **choices}), seed=1)


def test_measurement_error_shrinks_a_naive_effect_and_not_one_that_knows_of_it():
    naive, aware, covered = [], [], 0
    for seed in range(3):
        frame, truths = worlds.measured(seed)
        truth = truths["ai"]
        naive.append(row_of(visibility_fit(frame, measured=False).totals(), channel="ai")["mean"] / truth)
        row = row_of(visibility_fit(frame, measured=True).totals(), channel="ai")
        aware.append(row["mean"] / truth)
        covered += inside(row, truth, widths=2.5)
    # readings hold 57 % signal: the naive slope is about that of the truth, the aware one near 1 (s.e. of 3 worlds: .1)
    assert np.mean(naive) < 0.8
    assert np.mean(aware) == pytest.approx(1.0, abs=0.2)
    assert covered >= 2


def test_the_graph_without_its_linear_part_is_the_compiled_density():
    """Same density at the same point, for regions with common shocks and a test: the constants are the data's."""
    from models.mmm.engine import layout
    from models.mmm.engine.laplace import start
    from models.mmm.engine.log_density import core
    from models.mmm.engine.parameters import names as names_of
    from models.mmm.engine.pymc_model import reference_model
    from models.mmm.model.build import design
    from models.mmm.model.design import Form
    from models.mmm.model.lift_tests import Calibration
    from tests.models.mmm.mmm_worlds import panel

    data = panel(geos=3, periods=40, channels=("a", "b"), seed=3)
    plan = design(data, MMMSpec(geo_effects=False), Form("geometric", "logistic", False, 6))
    none = Calibration.none(*plan.y.shape)
    model = reference_model(plan, none, marginal=True)
    density, names = model.compile_logp(), names_of(plan)
    block, gaps = layout.build(plan, none), []
    for seed in range(4):
        theta = start(plan) + np.random.default_rng(seed).normal(0, 0.3, len(names))
        point = model.initial_point()
        value = {n.split("[")[0]: [] for n in names}
        for name, number in zip(names, theta, strict=True):
            value[name.split("[")[0]].append(number)
        for key in point:
            point[key] = np.array(value[key.replace("sigma_log__", "log_sigma")]).reshape(point[key].shape)
        compiled = core(theta, np.empty(len(names)), block, np.empty(0)) + np.log(plan.weight).sum()
        gaps.append(float(density(point)) - compiled)
    assert np.abs(gaps).max() < 1e-6  # two ways to the same number of order 100


def test_a_delayed_carryover_is_found_under_beliefs_about_next_unit_and_coefficient():
    frame, truth = worlds.delayed(14)
    data = MMMData.from_frame(frame, date="date", kpi="kpi", spend={"tv": "tv", "search": "search"})
    beliefs = {
        "tv": ChannelSpec(mroas=LogNormal.with_median(1.0, 0.8), peak_lag=LogNormal.with_median(2.0, 0.5)),
        "search": ChannelSpec(coefficient=LogNormal.with_median(0.2, 0.8)),
    }
    found = fit(data, QUICK.model_copy(update={"adstock": "delayed", "channels": beliefs}), seed=1)
    assert found.converged
    for row in found.totals().iter_rows(named=True):
        assert inside(row, truth[row["channel"]])
    peak = row_of(found.response_parameters(), channel="tv", parameter="shape")
    assert peak["mean"] == pytest.approx(4.0, abs=0.5)
    assert {"tv", "search"} == set(evidence_tiers(found).filter(pl.col("contraction") > 0.3)["channel"])
