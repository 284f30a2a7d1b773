"""What the combined evidence promises, whatever is missing."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.triangulation import (
    MMMEvidence,
    SamplerSettings,
    combine,
    evsi,
    incremental,
    next_experiments,
    total_warnings,
)
from models.triangulation.conflicts import cochran
from models.triangulation.evidence import readings
from models.triangulation.weights import grades
from models.triangulation.worlds import WORLDS, simulate

SHARES = ["experiment", "mmm", "attribution", "prior"]


@pytest.fixture(scope="module")
def world():
    return simulate(WORLDS["base"], np.random.default_rng(11))


@pytest.fixture(scope="module")
def result(world):
    return combine(world.evidence, mmm=world.mmm, seed=3)


def codes(found):
    return {(w.code, w.subject) for w in found.warnings}


def test_every_channel_has_an_estimate_a_grade_and_weights_of_one(world, result):
    assert result.estimates["channel"].to_list() == sorted(world.channels)
    assert result.weights.select(pl.sum_horizontal(SHARES)).to_series().to_list() == pytest.approx([1.0] * 8, abs=1e-12)
    ordered = result.estimates.select((pl.col("q05") < pl.col("q50")) & (pl.col("q50") < pl.col("q95")))
    assert ordered.to_series().all()
    assert set(result.estimates["evidence_grade"]) <= set("ABCD")
    assert result.convergence.converged


def test_joint_draws_are_what_the_estimates_summarise(result):
    means = result.draws.group_by("channel").agg(pl.col("theta").mean()).sort("channel")["theta"]
    assert means.to_list() == pytest.approx(result.estimates["mean"].to_list(), rel=1e-12)
    assert result.draws.height == result.theta.size


def test_the_same_seed_gives_the_same_bits(world, result):
    again = combine(world.evidence.reverse(), mmm=world.mmm, seed=3)
    assert again.estimates.equals(result.estimates)
    assert (again.theta == result.theta).all()


def test_the_sampler_never_swallows_an_exception(world, capfd):
    combine(world.evidence.head(3), seed=1, settings=SamplerSettings(draws=200, tune=200))
    assert "ignored" not in capfd.readouterr().err


def test_p_profitable_counts_draws_above_break_even(result):
    found = result.p_profitable(0.5)
    assert found["p_profitable"].to_list() == pytest.approx((result.theta > 2).mean(axis=0).tolist())
    with pytest.raises(ValueError, match=r"62 % is 0\.62"):
        result.p_profitable(62)


@pytest.mark.parametrize(
    ("kinds", "with_mmm", "silent"),
    [
        pytest.param(["experiment"], False, ["mmm", "attribution"], id="tests alone"),
        pytest.param(["platform"], False, ["experiment", "mmm"], id="claims alone"),
        pytest.param([], True, ["experiment", "attribution"], id="MMM alone"),
        pytest.param(["experiment"], True, ["attribution"], id="no claims"),
    ],
)
def test_any_source_may_be_missing(world, kinds, with_mmm, silent):
    frame = world.evidence.filter(pl.col("kind").is_in(kinds))
    found = combine(frame, mmm=world.mmm if with_mmm else None, seed=1)
    assert found.convergence.converged
    assert found.weights.select(pl.sum_horizontal(silent)).to_series().sum() == 0
    assert found.weights.select(pl.sum_horizontal(SHARES)).to_series().to_list() == pytest.approx(
        [1.0] * found.weights.height
    )
    if "experiment" not in kinds:
        assert ("method_bias_assumed", "all") in codes(found)
        assert set(found.estimates["evidence_grade"]) == {"D"}


def test_one_channel_alone_and_a_channel_without_evidence():
    one = pl.DataFrame(
        [{"channel": "tv", "method": "t", "kind": "experiment", "iroas": 2.0, "se": 0.2, "design": "rct"}]
    )
    found = combine(one, channels=["radio"], seed=1)
    radio, tv = found.estimates.sort("channel").iter_rows(named=True)
    assert found.convergence.converged
    assert tv["mean"] == pytest.approx(2.0, abs=0.2)
    assert radio["q95"] / radio["q05"] > 4
    assert ("mostly_assumption", "radio") in codes(found)
    assert radio["evidence_grade"] == "D"


def test_a_negative_reading_is_kept_and_lowers_the_estimate(world, result):
    channel = result.estimates["channel"][0]
    bad = pl.DataFrame(
        [{"channel": channel, "method": "new", "kind": "experiment", "iroas": -0.5, "se": 0.3, "design": "rct"}]
    )
    found = combine(pl.concat([world.evidence, bad], how="diagonal_relaxed"), mmm=world.mmm, seed=3)
    assert found.estimates["mean"][0] < result.estimates["mean"][0]
    assert ("test_reads_no_gain", channel) in codes(found)


def test_a_channel_that_a_test_shows_to_lose_sales_gets_no_good_grade():
    rows = [
        {"channel": c, "method": f"t {c}", "kind": "experiment", "iroas": y, "se": 0.2, "design": "rct"}
        for c, y in (("a", -2.0), ("b", 1.0))
    ]
    found = combine(pl.DataFrame(rows), seed=1)
    assert dict(found.estimates.select("channel", "evidence_grade").iter_rows()) == {"a": "D", "b": "A"}
    assert ("return_below_zero", "a") in codes(found)


def test_a_contradicting_test_is_flagged_and_kept():
    frame = pl.DataFrame(
        [
            {"channel": c, "method": f"geo {c}", "kind": "experiment", "iroas": y, "se": 0.1, "design": "rct"}
            for c, y in (("a", 1.0), ("b", 1.1), ("c", 0.9), ("d", 6.0))
        ]
    )
    mmm = MMMEvidence(tuple("abcd"), np.log([1.0, 1.1, 0.9, 1.0]), 0.01 * np.eye(4), uses_experiments=False)
    found = combine(frame, mmm=mmm, seed=1)
    odd = found.conflicts.filter(method="geo d").row(0, named=True)
    assert odd["flag"] == "red"
    assert odd["observed"] == 6.0
    assert odd["expected"] < 2.5
    assert ("reading_unexpected", "d") in codes(found)
    sound = found.conflicts.filter(method="geo a").row(0, named=True)
    assert sound["flag"] == "none"


def test_a_method_that_claims_fifty_times_the_truth_raises_the_drift_alarm():
    rows = []
    for i, c in enumerate("abcdef"):
        rows.append({"channel": c, "method": f"t{i}", "kind": "experiment", "iroas": 1.0, "se": 0.1, "design": "rct"})
        rows.append({"channel": c, "method": "platform", "kind": "platform", "iroas": 50.0, "se": 1.0, "design": None})
    found = combine(pl.DataFrame(rows), seed=1)
    bias = found.biases.row(0, named=True)
    assert bias["factor"] > 20
    assert bias["measured_on"] == 6
    assert ("method_drift", "platform") in codes(found)
    assert found.estimates["mean"].to_list() == pytest.approx([1.0] * 6, abs=0.15)


def test_too_few_draws_block_the_figures(world):
    found = combine(world.evidence, mmm=world.mmm, seed=1, settings=SamplerSettings(chains=2, draws=100, tune=100))
    blocked = [w for w in found.warnings if w.severity == "block"]
    assert [w.code for w in blocked] == ["evidence_model_not_converged"]


def test_an_mmm_that_learned_nothing_gets_no_weight(world):
    from models.triangulation import without_prior

    prior_mean, prior_cov = np.full(8, np.log(2.0)), 0.5 * np.eye(8)
    mean, cov = without_prior(prior_mean, prior_cov, prior_mean, prior_cov)
    empty = MMMEvidence(world.mmm.channels, mean, cov, uses_experiments=False)
    found = combine(world.evidence, mmm=empty, seed=3)
    without = combine(world.evidence, seed=3)
    assert found.weights["mmm"].max() < 0.01
    gap = (found.estimates["mean"] - without.estimates["mean"]).abs() / without.estimates["sd"]
    # Two runs of one posterior: Monte Carlo error of about 0.03 sd.
    assert gap.max() < 0.15


@pytest.mark.parametrize(
    ("weights", "age", "tests", "grade"),
    [
        pytest.param((0.5, 0.2, 0.1, 0.2), 0.5, 1, "A", id="fresh test"),
        pytest.param((0.5, 0.2, 0.1, 0.2), 1.5, 1, "B", id="good but old test"),
        pytest.param((0.25, 0.3, 0.2, 0.25), 0.1, 1, "B", id="a fifth from tests"),
        pytest.param((0.1, 0.5, 0.2, 0.2), 3.0, 4, "C", id="MMM with biases measured"),
        pytest.param((0.1, 0.5, 0.2, 0.2), 3.0, 3, "D", id="MMM with biases assumed"),
        pytest.param((0.0, 0.4, 0.3, 0.3), 3.0, 6, "D", id="mostly claims and prior"),
    ],
)
def test_grades_follow_the_table(weights, age, tests, grade):
    rows = [
        {"channel": "a", "method": f"t{i}", "kind": "experiment", "iroas": 1.0, "se": 0.3, "age_days": 365.25 * age}
        for i in range(tests)
    ]
    read = readings(pl.DataFrame(rows))
    share = pl.DataFrame({"channel": ["a"], **{name: [w] for name, w in zip(SHARES, weights, strict=True)}})
    assert grades(read, share) == (grade,)
    assert grades(read, share, disagreeing=["a"]) == ("D",)


def test_cochrans_q_by_hand():
    q, p, i_squared = cochran(np.array([0.0, 2.0]), np.array([1.0, 1.0]))
    assert (q, i_squared) == pytest.approx((2.0, 0.5))
    assert p == pytest.approx(0.157299, abs=1e-6)
    assert cochran(np.array([1.0, 1.0]), np.array([1.0, 2.0]))[2] == 0.0


def test_evsi_matches_known_figures_and_simulation():
    assert evsi(1.6, 0.6, 0.35, 1.43, 500) == pytest.approx(66.39, abs=0.005)
    assert evsi(1.6, 0.6, 0.0, 1.43, 500) == pytest.approx(81.95, abs=0.01)
    assert evsi(1.6, 0.6, 1.0, 1.43, 500) == pytest.approx(28.18, abs=0.01)
    assert evsi(9.0, 0.1, 0.1, 1.43, 500) == pytest.approx(0.0, abs=1e-12)
    generator = np.random.default_rng(1)
    theta = generator.normal(1.6, 0.6, 1_000_000)
    posterior = (theta + generator.normal(0, 0.35, theta.size)) * 0.36 / (0.36 + 0.35**2)
    posterior += 1.6 * 0.35**2 / (0.36 + 0.35**2)
    simulated = 500 * (np.maximum(posterior - 1.43, 0).mean() - max(1.6 - 1.43, 0))
    assert simulated == pytest.approx(66.39, rel=0.01)


def candidate(**changes):
    row = {
        "channel": "channel_0",
        "design": "rct",
        "se": 0.2,
        "test_weeks": 4,
        "spend_changed": -1000.0,
        "stake_per_week": 5000.0,
        "fixed_cost": 100.0,
    }
    return pl.DataFrame([{**row, **changes}])


def test_next_experiments_rank_by_net_money_per_week(result):
    frame = pl.concat([candidate(), candidate(fixed_cost=5000.0), candidate(se=2.0), candidate(stake_per_week=0.0)])
    found = next_experiments(result, frame, margin=0.6, horizon_weeks=30)
    assert found["net_per_week"].is_sorted(descending=True)
    assert found.row(0, named=True)["fixed_cost"] == 100.0
    assert (found["evsi_per_week"] <= found["evpi_per_week"]).all()
    first = found.row(0, named=True)
    worth = first["evsi_per_week"] * 26 - first["fixed_cost"] - first["opportunity_cost"]
    assert first["net"] == pytest.approx(worth)
    assert found.filter(pl.col("evsi_per_week") == 0).height == 1


def test_the_price_of_a_test_depends_on_what_happens_to_the_money(result):
    mean = result.estimates.filter(channel="channel_0")["mean"].item()

    def cost(**changes):
        return next_experiments(result, candidate(**changes), margin=0.6, horizon_weeks=30)["opportunity_cost"].item()

    assert cost() == pytest.approx((0.6 * mean - 1) * 1000)
    assert cost(paid_anyway=True) == pytest.approx(0.6 * mean * 1000)
    assert cost(spend_changed=2000.0, marginal_ratio=0.5) == pytest.approx((1 - 0.3 * mean) * 2000)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        pytest.param({"channel": "radio"}, "'radio' is not among", id="unknown channel"),
        pytest.param({"design": "coin"}, "design='coin'", id="unknown design"),
        pytest.param({"test_weeks": 40}, "below horizon_weeks", id="longer than the horizon"),
        pytest.param({"spend_changed": 500.0}, "marginal_ratio=None", id="heavy-up without marginal return"),
    ],
)
def test_impossible_candidates_are_refused(result, changes, complaint):
    with pytest.raises(ValueError, match=complaint):
        next_experiments(result, candidate(**changes), margin=0.6, horizon_weeks=30)


def test_means_add_up_and_interval_ends_do_not(result):
    spend = {channel: 1000.0 * (i + 1) for i, channel in enumerate(result.estimates["channel"])}
    found = incremental(result, spend)
    parts, total = found.head(8), found.row(8, named=True)
    assert parts["mean"].sum() == pytest.approx(total["mean"], rel=1e-12)
    assert total["q95"] - total["q05"] < (parts["q95"] - parts["q05"]).sum()
    with pytest.raises(ValueError, match="'radio'"):
        incremental(result, {"radio": 1.0})


def test_more_effect_than_bookings_blocks(result):
    spend = dict.fromkeys(result.estimates["channel"], 1000.0)
    total = incremental(result, spend).row(8, named=True)
    assert total_warnings(result, spend, booked=100 * total["mean"]) == ()
    assert [w.severity for w in total_warnings(result, spend, booked=total["mean"])] == ["block"]
