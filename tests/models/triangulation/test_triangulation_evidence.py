"""What the evidence model accepts as a reading, and what it makes of it."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.triangulation import MMMEvidence, without_prior
from models.triangulation.evidence import readings


def reading(**changes):
    row = {"channel": "search", "method": "geo test", "kind": "experiment", "iroas": 1.2, "se": 0.3, **changes}
    return pl.DataFrame([row])


def claim(method="last_touch", channel="search", iroas=2.0, kind="attribution", **more):
    return reading(channel=channel, method=method, kind=kind, iroas=iroas, se=0.1, **more)


def mmm(channels=("search", "video"), **changes):
    size = len(channels)
    fields = {"mean": np.zeros(size), "cov": 0.04 * np.eye(size), "uses_experiments": False, **changes}
    return MMMEvidence(channels=tuple(channels), **fields)


@pytest.mark.parametrize(
    ("frame", "complaint"),
    [
        pytest.param(reading(kind="guess"), "kind must be one of mmm, experiment", id="unknown kind"),
        pytest.param(reading(se=0.0), "se must be a number above 0", id="test without error"),
        pytest.param(reading(se=None), "se must be a number above 0", id="test with missing error"),
        pytest.param(reading(iroas=float("nan")), "iroas is missing", id="NaN"),
        pytest.param(reading(age_days=-3), "age_days is negative", id="test of tomorrow"),
        pytest.param(reading(share_captured=0.0), "share_captured must be above 0", id="nothing captured"),
        pytest.param(reading(quality=1.4), "quality must be above 0 and at most 1", id="quality of 140 %"),
        pytest.param(reading(design="vibes"), "design must be one of rct", id="unknown design"),
        pytest.param(reading(channel=""), "channel is missing", id="no channel"),
        pytest.param(claim(iroas=-1.0), "claimed revenue is below 0", id="negative claim"),
        pytest.param(reading(kind="mmm", iroas=0.0), "an MMM's iroas must be above 0", id="zero MMM"),
        pytest.param(reading(kind="mmm", uses_experiments=True), "count them twice", id="MMM that saw the tests"),
    ],
)
def test_impossible_readings_are_refused_by_name(frame, complaint):
    with pytest.raises(ValueError, match=complaint) as caught:
        readings(frame)
    assert "row 0" in str(caught.value)


def test_an_mmm_fitted_with_experiments_is_refused():
    with pytest.raises(ValueError, match="refit it without experiments"):
        mmm(uses_experiments=True)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        pytest.param({"mean": np.zeros(3)}, "2 channels need mean", id="shape"),
        pytest.param({"cov": np.array([[1.0, 2.0], [2.0, 1.0]])}, "not a covariance", id="indefinite"),
        pytest.param({"cov": np.full((2, 2), np.nan)}, "not finite", id="NaN"),
        pytest.param({"channels": ("a", "a")}, "each named once", id="twice"),
    ],
)
def test_impossible_mmm_evidence_is_refused(changes, complaint):
    with pytest.raises(ValueError, match=complaint):
        mmm(**changes)


def test_missing_columns_and_no_evidence_are_named():
    with pytest.raises(ValueError, match=r"lacks the column\(s\) se"):
        readings(reading().drop("se"))
    with pytest.raises(ValueError, match="no evidence"):
        readings(reading().head(0))


def test_rules_on_one_click_stream_are_one_sensor():
    frame = pl.concat([claim("last_touch", iroas=4.0), claim("markov", iroas=1.0)])
    read = readings(frame)
    assert read.claims.sources == ("attribution:clicks",)
    assert read.averaged == ("last_touch", "markov")
    assert np.exp(read.claims.log_claim) == pytest.approx([2.0])
    # The larger relative error stays: two readings of the same clicks are no more certain than one.
    assert read.claims.log_se == pytest.approx([0.1])


def test_other_tracking_platforms_and_self_reports_stay_apart():
    frame = pl.concat(
        [
            claim("last_touch", tracking="site"),
            claim("app_last_touch", tracking="app"),
            claim("platform", kind="platform", tracking=None),
            claim("survey", kind="self_reported", tracking=None),
        ]
    )
    read = readings(frame)
    assert read.claims.sources == ("app_last_touch", "last_touch", "platform", "survey")
    assert read.averaged == ()


def test_a_claim_of_zero_is_left_out_and_named_but_a_test_of_zero_stays():
    read = readings(pl.concat([claim(iroas=0.0), reading(iroas=0.0), reading(method="second", iroas=-0.4)]))
    assert read.zero_claims == (("search", "last_touch"),)
    assert read.claims.log_claim.size == 0
    assert sorted(read.tests.y) == [-0.4, 0.0]


def test_a_method_that_reads_a_channel_twice_is_refused():
    with pytest.raises(ValueError, match="reads channel 'search' twice"):
        readings(pl.concat([claim(), claim()]))


def test_rows_of_the_mmm_do_not_count_again_beside_its_joint_evidence():
    frame = reading(kind="mmm", method="mmm", iroas=9.0)
    assert readings(frame, mmm=mmm()).mmm.mean == pytest.approx([0, 0])
    alone = readings(frame)
    assert alone.mmm_prior_inside
    mean = np.exp(alone.mmm.mean[0] + alone.mmm.cov[0, 0] / 2)
    assert mean == pytest.approx(9.0)


def test_an_unknown_design_counts_as_not_randomised():
    read = readings(pl.concat([reading(design=None), reading(method="b", design="rct")], how="vertical_relaxed"))
    assert read.unknown_design == ("geo test",)
    assert sorted(read.tests.design) == [0, 1]


def test_quality_and_share_reach_the_model():
    read = readings(reading(quality=0.25, share_captured=0.8, age_days=365.25))
    assert (read.tests.se[0], read.tests.share[0], read.tests.age[0]) == pytest.approx((0.6, 0.8, 1.0))


def test_one_class_for_all_is_no_class_and_two_for_one_are_refused():
    assert readings(reading(channel_class="brand")).classes == ()
    both = pl.concat([reading(channel_class="a"), reading(channel_class="b")])
    with pytest.raises(ValueError, match="two classes"):
        readings(both)


def test_removing_the_prior_returns_what_the_data_said():
    generator = np.random.default_rng(2)
    root = generator.normal(size=(3, 3))
    data_cov, data_mean = root @ root.T + 0.1 * np.eye(3), generator.normal(size=3)
    prior_cov, prior_mean = np.diag([0.5, 0.2, 1.5]), generator.normal(size=3)
    precision = np.linalg.inv(data_cov) + np.linalg.inv(prior_cov)
    post_cov = np.linalg.inv(precision)
    post_mean = post_cov @ (np.linalg.solve(data_cov, data_mean) + np.linalg.solve(prior_cov, prior_mean))
    mean, cov = without_prior(post_mean, post_cov, prior_mean, prior_cov)
    assert mean == pytest.approx(data_mean, abs=1e-8)
    assert cov == pytest.approx(data_cov, rel=1e-6, abs=1e-8)


def test_a_posterior_equal_to_its_prior_carries_no_weight():
    cov = np.array([[0.3, 0.1], [0.1, 0.2]])
    mean, without = without_prior(np.ones(2), cov, np.ones(2), cov)
    assert np.linalg.eigvalsh(without)[0] > 1e4
    assert mean == pytest.approx([1, 1])


def test_only_the_uninformed_channel_loses_its_weight():
    prior = np.eye(2)
    mean, cov = without_prior(np.array([0.5, 0.0]), np.diag([0.1, 1.05]), np.zeros(2), prior)
    assert cov[0, 0] == pytest.approx(1 / 9)
    assert mean[0] == pytest.approx(0.5 * 10 / 9)
    # Sampled posteriors may even be wider than the prior: then the floor holds.
    assert cov[1, 1] > 1e5


def test_a_singular_covariance_is_refused():
    with pytest.raises(ValueError, match="post_cov is singular"):
        without_prior(np.zeros(2), np.ones((2, 2)), np.zeros(2), np.eye(2))


def test_evidence_from_draws_is_what_the_data_said():
    generator = np.random.default_rng(3)
    # Prior Normal(0, 1) per channel; data say 0.5 with sd 0.5 for the first channel and nothing for the second.
    prior = np.exp(generator.normal(size=(40_000, 2)))
    posterior = np.exp(generator.normal([0.4, 0.0], [np.sqrt(0.2), 1.0], (40_000, 2)))
    found = MMMEvidence.from_draws(["a", "b"], posterior, prior, uses_experiments=False)
    assert found.mean[0] == pytest.approx(0.5, abs=0.02)
    assert found.cov[0, 0] == pytest.approx(0.25, abs=0.02)
    assert found.cov[1, 1] > 30


@pytest.mark.parametrize(
    ("posterior", "complaint"),
    [
        pytest.param(np.full((50, 2), -0.1), "posterior iROAS of a", id="negative"),
        pytest.param(np.ones((2, 2)), r"shape \(2, 2\)", id="too few draws"),
    ],
)
def test_draws_that_are_no_evidence_are_refused(posterior, complaint):
    with pytest.raises(ValueError, match=complaint):
        MMMEvidence.from_draws(["a", "b"], posterior, np.ones((50, 2)), uses_experiments=False)
    with pytest.raises(ValueError, match="count twice"):
        MMMEvidence.from_draws(["a", "b"], posterior, posterior, uses_experiments=True)
