"""What the combined evidence promises, whatever is missing."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.channel_classes import CLASSES, iroas_prior
from models.triangulation import (
    MMMDraws,
    MMMEvidence,
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

CHANNEL = "brand_search"
SCHEMA = {"channel": pl.String, "method": pl.String, "kind": pl.String, "iroas": pl.Float64, "se": pl.Float64}
SHARES = ["experiment", "mmm", "attribution", "prior"]


@pytest.fixture(scope="module")
def world():
    return simulate(WORLDS["base"], np.random.default_rng(11))


@pytest.fixture(scope="module")
def result(world):
    return combine(world.evidence, mmm=world.mmm, margin=world.margin, seed=3)


def experiment(channel, iroas, se=0.1, name=None, **more):
    """One row of a randomised test."""
    method = name or f"test {channel}"
    return {
        "channel": channel,
        "method": method,
        "kind": "experiment",
        "iroas": iroas,
        "se": se,
        "design": "rct",
        **more,
    }


def draws(channels, median, log_sd, count=2000, seed=5):
    """MMM draws that are log-normal and independent."""
    normal = np.random.default_rng(seed).standard_normal((count, len(channels)))
    return MMMDraws(tuple(channels), np.asarray(median) * np.exp(np.asarray(log_sd) * normal))


def codes(found):
    return {(w.code, w.subject) for w in found.warnings}


def test_every_channel_has_an_estimate_a_grade_and_weights_of_one(world, result):
    assert result.estimates["channel"].to_list() == sorted(world.channels)
    assert result.weights.select(pl.sum_horizontal(SHARES)).to_series().to_list() == pytest.approx([1.0] * 8, abs=1e-12)
    ordered = result.estimates.select((pl.col("q05") < pl.col("q50")) & (pl.col("q50") < pl.col("q95")))
    assert ordered.to_series().all()
    assert set(result.estimates["evidence_grade"]) <= set("ABCD")
    assert result.estimates["measured"].to_list() == (result.weights["prior"] <= 0.5).to_list()
    assert result.evidence.select(pl.sum_horizontal("mmm", "tests", "claims", "prior")).to_series().to_list() == (
        pytest.approx([1.0] * 8)
    )
    assert result.convergence.converged


def test_joint_draws_are_what_the_estimates_summarise(result):
    means = result.draws.group_by("channel").agg(pl.col("theta").mean()).sort("channel")["theta"]
    assert means.to_list() == pytest.approx(result.estimates["mean"].to_list(), rel=1e-12)
    assert result.draws.height == result.theta.size


def test_the_same_seed_gives_the_same_bits(world, result):
    again = combine(world.evidence.reverse(), mmm=world.mmm, margin=world.margin, seed=3)
    assert again.estimates.equals(result.estimates)
    assert (again.theta == result.theta).all()


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
        pytest.param([], False, ["experiment", "mmm", "attribution"], id="nothing"),
    ],
)
def test_any_source_may_be_missing(world, kinds, with_mmm, silent):
    frame = world.evidence.filter(pl.col("kind").is_in(kinds))
    found = combine(frame, mmm=world.mmm if with_mmm else None, channels=world.channels, seed=1)
    assert found.convergence.converged
    assert found.weights.select(pl.sum_horizontal(silent)).to_series().sum() == 0
    assert found.weights.select(pl.sum_horizontal(SHARES)).to_series().to_list() == pytest.approx([1.0] * 8)
    if "experiment" not in kinds:
        assert ("method_bias_assumed", "all") in codes(found)
        assert set(found.estimates["evidence_grade"]) == {"D"}


def test_one_channel_alone_and_a_channel_without_evidence():
    found = combine(pl.DataFrame([experiment("tv", 2.0, 0.2)]), channels=["radio"], margin=0.7, seed=1)
    radio, tv = found.estimates.sort("channel").iter_rows(named=True)
    assert found.convergence.converged
    assert tv["mean"] == pytest.approx(2.0, abs=0.3)
    assert tv["measured"]
    assert radio["q95"] > 4 * radio["q50"] / 2
    assert not radio["measured"]
    assert ("mostly_assumption", "radio") in codes(found)
    assert radio["evidence_grade"] == "D"


def test_without_evidence_the_range_is_the_class_priors():
    found = combine(pl.DataFrame(schema=SCHEMA), channels=["audio"], margin=0.5, seed=2)
    row, audio = found.estimates.row(0, named=True), CLASSES["audio"]
    useful = audio.return_median / 0.5 * np.exp(audio.return_log_sd * np.random.default_rng(0).standard_normal(200_000))
    lump = 0.08 / 0.5 * np.random.default_rng(1).standard_normal(200_000)
    truth = np.where(np.random.default_rng(2).random(200_000) < audio.no_effect, lump, useful)
    # 2,000 draws: quantiles of a log sd of .75 are known to about 5 %.
    assert row["q95"] == pytest.approx(np.quantile(truth, 0.95), rel=0.10)
    assert row["q50"] == pytest.approx(np.quantile(truth, 0.50), rel=0.10)
    assert row["p_useless"] == pytest.approx((truth < 0.1).mean(), abs=0.03)
    assert found.weights["prior"].to_list() == [1.0]


def test_an_mmm_alone_is_printed_inside_its_own_range():
    found = combine(pl.DataFrame(schema=SCHEMA), mmm=draws(["audio"], 1.1, 0.3), margin=0.7, seed=2)
    row = found.estimates.row(0, named=True)
    low, high = np.quantile(draws(["audio"], 1.1, 0.3).returns, [0.005, 0.995])
    assert low < row["mean"] < high
    assert row["measured"]


def test_a_negative_reading_is_kept_and_lowers_the_estimate(world, result):
    channel = result.estimates["channel"][0]
    bad = pl.DataFrame([experiment(channel, -0.5, 0.3, "new")])
    frame = pl.concat([world.evidence, bad], how="diagonal_relaxed")
    found = combine(frame, mmm=world.mmm, margin=world.margin, seed=3)
    assert found.estimates["mean"][0] < result.estimates["mean"][0]
    assert ("test_reads_no_gain", channel) in codes(found)


def test_a_test_that_reads_a_loss_is_named():
    found = combine(pl.DataFrame([experiment("a", -2.0, 0.2), experiment("b", 1.0, 0.2)]), seed=1)
    assert ("return_below_zero", "a") in codes(found)
    assert ("return_below_zero", "b") not in codes(found)


def test_an_mmm_that_reads_a_loss_gives_a_return_below_zero_and_says_so():
    """Case 33: one channel's effect is negative in every draw of the MMM."""
    normal = np.random.default_rng(3).standard_normal((1000, 2))
    mmm = MMMDraws(("display", "tv"), np.array([-0.4, 1.2]) + np.array([0.1, 0.3]) * normal)
    found = combine(pl.DataFrame(schema=SCHEMA), mmm=mmm, margin=0.7, seed=1)
    display = found.estimates.filter(channel="display").row(0, named=True)
    assert display["q50"] <= 0
    assert ("no_return", "display") in codes(found)
    assert np.isfinite(found.theta).all()


def test_a_high_claim_alone_does_not_leave_the_mmms_range():
    """Case 34: the claim is 7.5, the MMM reads .9 (.2 to 2.3)."""
    log_sd = np.log(2.3 / 0.2) / 2 / 1.645
    mmm = draws(["brand_search"], 0.75, log_sd)
    claim = {"channel": "brand_search", "method": "platform", "kind": "platform", "iroas": 7.5, "se": 0.3}
    found = combine(pl.DataFrame([claim]), mmm=mmm, margin=0.714, seed=1)
    row = found.estimates.row(0, named=True)
    assert 0.2 < row["q50"] < 2.3
    assert 0.2 < row["mean"] < 2.3
    tested = pl.concat([pl.DataFrame([claim]), pl.DataFrame([experiment("brand_search", 4.0, 0.2)])], how="diagonal")
    assert combine(tested, mmm=mmm, margin=0.714, seed=1).estimates["q50"].item() > 2.3


@pytest.mark.parametrize(
    ("reading", "se", "contradicts"),
    [pytest.param(0.24, 0.024, True, id="a tenth"), pytest.param(2.6, 0.3, False, id="near")],
)
def test_a_test_far_from_the_mmm_contradicts_it(reading, se, contradicts):
    """Case 29: the MMM's draws are LogNormal(.7, .45)."""
    found = combine(pl.DataFrame([experiment("c", reading, se)]), mmm=draws(["c"], np.exp(0.7), 0.45), seed=1)
    row = found.conflicts.filter(kind="experiment").row(0, named=True)
    assert (row["flag"] != "none") is contradicts
    assert (("test_contradicts", "c") in codes(found)) is contradicts


def test_a_contradicting_test_is_flagged_and_kept():
    frame = pl.DataFrame([experiment(c, y) for c, y in (("a", 1.0), ("b", 1.1), ("c", 0.9), ("d", 6.0))])
    mmm = MMMEvidence(tuple("abcd"), np.log([1.0, 1.1, 0.9, 1.0]), 0.01 * np.eye(4), uses_experiments=False)
    found = combine(frame, mmm=mmm, seed=1)
    odd = found.conflicts.filter(method="test d").row(0, named=True)
    assert odd["flag"] == "red"
    assert odd["observed"] == 6.0
    assert odd["expected"] < 2.5
    assert ("test_contradicts", "d") in codes(found)
    sound = found.conflicts.filter(method="test a").row(0, named=True)
    assert sound["flag"] == "none"


@pytest.mark.parametrize("unit", [100.0, 0.01])
def test_a_test_in_another_unit_moves_its_channel_little_and_is_named(unit):
    mmm = draws(["prospecting_social", "tv"], [1.5, 1.0], [0.25, 0.4])
    before = combine(pl.DataFrame(schema=SCHEMA), mmm=mmm, margin=0.7, seed=1)
    wrong = experiment("prospecting_social", 1.5 * unit, 0.3 * unit)
    after = combine(pl.DataFrame([wrong]), mmm=mmm, margin=0.7, seed=1)
    moved = np.log(after.estimates["mean"][0] / before.estimates["mean"][0])
    assert abs(moved) < 0.3
    assert ("test_unit_suspect", "prospecting_social") in codes(after)


def test_a_method_that_claims_fifty_times_the_truth_raises_the_drift_alarm():
    rows = []
    for i, c in enumerate("abcdef"):
        rows.append(experiment(c, 1.0, 0.1, f"t{i}"))
        rows.append({"channel": c, "method": "platform", "kind": "platform", "iroas": 50.0, "se": 1.0, "design": None})
    found = combine(pl.DataFrame(rows), seed=1)
    bias = found.biases.row(0, named=True)
    assert bias["factor"] > 20
    assert bias["measured_on"] == 6
    assert ("method_drift", "platform") in codes(found)
    # The middle value: each test may be botched, and against such claims that chance lifts the mean.
    assert found.estimates["q50"].to_list() == pytest.approx([1.0] * 6, abs=0.15)


def test_claims_of_one_click_stream_weigh_as_one(world):
    mmm = draws(["generic_search"], 1.5, 0.5)

    def claim(method, kind="platform", **more):
        return {"channel": "generic_search", "method": method, "kind": kind, "iroas": 3.0, "se": 0.1, **more}

    one = combine(pl.DataFrame([claim("platform")]), mmm=mmm, seed=1).estimates.row(0, named=True)
    two = combine(pl.DataFrame([claim("platform"), claim("copy")]), mmm=mmm, seed=1).estimates.row(0, named=True)
    assert two["mean"] == pytest.approx(one["mean"], rel=0.05)
    assert two["sd"] > 0.9 * one["sd"]


def test_a_channel_whose_draws_are_not_finite_is_refused_by_name_and_still_answered():
    returns = draws(["tv", "audio"], [1.0, 1.0], 0.3).returns.copy()
    returns[7, 1] = np.nan
    found = combine(pl.DataFrame(schema=SCHEMA), mmm=MMMDraws(("tv", "audio"), returns), margin=0.7, seed=1)
    assert ("mmm_reading_refused", "audio") in codes(found)
    assert found.estimates.filter(channel="audio")["measured"].item() is False
    assert found.estimates.filter(channel="tv")["measured"].item() is True


def test_a_prior_that_taught_nothing_is_not_called_measured():
    median, log_sd = iroas_prior(CLASSES["tv"], 0.7)
    found = combine(pl.DataFrame(schema=SCHEMA), mmm=draws(["tv"], median, log_sd), margin=0.7, seed=1)
    assert found.weights["prior"].item() > 0.9
    assert found.estimates["measured"].item() is False


def test_what_a_test_captured_is_read_with_the_draw_it_belongs_to():
    """In half of the draws the test saw half of a return that is twice as high: the pairs decide, not the mean."""
    returns = np.concatenate([np.full(500, 1.0), np.full(500, 2.0)])[:, None]
    captured = {"t": np.concatenate([np.full(500, 1.0), np.full(500, 0.5)])}
    mmm = MMMDraws(("tv",), returns + 0.01 * np.random.default_rng(0).standard_normal((1000, 1)), captured)
    found = combine(pl.DataFrame([experiment("tv", 1.0, 0.05, "t")]), mmm=mmm, margin=0.7, seed=1)
    rows = mmm.returns[found.mmm_draw[:, 0], 0]
    assert 0.25 < (rows < 1.5).mean() < 0.75  # both explain the test equally well; with the mean share neither would
    assert set(np.unique(found.mmm_draw)) <= set(range(1000))


@pytest.mark.slow
def test_many_channels_with_evidence_are_answered():
    names = [f"tv_{i}" for i in range(40)]
    rows = [experiment(c, 1.0 + 0.02 * i, 0.15) for i, c in enumerate(names[:20])]
    rows += [{"channel": c, "method": "p", "kind": "platform", "iroas": 1.5, "se": 0.05} for c in names]
    found = combine(pl.DataFrame(rows, infer_schema_length=None), mmm=draws(names, 1.0, 0.5), margin=0.7, seed=1)
    assert found.convergence.converged
    assert not [w for w in found.warnings if w.severity == "block"]
    tested = found.estimates.filter(pl.col("channel").is_in(names[:20]))
    assert (tested["sd"] < 0.35).all()


@pytest.mark.parametrize(
    ("weights", "age", "tests", "grade"),
    [
        pytest.param((0.5, 0.2, 0.1, 0.2), 0.5, 1, "A", id="fresh test"),
        pytest.param((0.5, 0.2, 0.1, 0.2), 1.5, 1, "B", id="good but old test"),
        pytest.param((0.25, 0.3, 0.2, 0.25), 0.1, 1, "B", id="a fifth from tests"),
        pytest.param((0.1, 0.5, 0.2, 0.2), 3.0, 4, "C", id="MMM with biases measured"),
        pytest.param((0.1, 0.5, 0.2, 0.2), 3.0, 3, "D", id="MMM with biases assumed"),
        pytest.param((0.0, 0.4, 0.3, 0.3), 3.0, 6, "D", id="mostly claims and prior"),
        pytest.param((0.45, 0.0, 0.0, 0.55), 0.1, 1, "D", id="more than half prior"),
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
        "channel": CHANNEL,
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
    mean = result.estimates.filter(channel=CHANNEL)["mean"].item()

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
