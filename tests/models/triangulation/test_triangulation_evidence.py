"""What the evidence model accepts as a reading, and what it makes of it."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.triangulation import MMMDraws, MMMEvidence
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
        pytest.param(reading(claim_type="hunch"), "claim_type must be one of click", id="unknown claim type"),
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
    # 2,000 draws around a median of 1 with log sd .2.
    assert np.median(readings(frame, mmm=mmm()).mmm.returns, axis=0) == pytest.approx([1, 1], rel=0.03)
    alone = readings(frame)
    assert alone.mmm.returns.mean() == pytest.approx(9.0, rel=0.01)


def test_an_unknown_design_counts_as_not_randomised():
    read = readings(pl.concat([reading(design=None), reading(method="b", design="rct")], how="vertical_relaxed"))
    assert read.unknown_design == ("geo test",)
    assert sorted(read.tests.design) == [0, 1]


def test_quality_and_share_reach_the_model():
    read = readings(reading(quality=0.25, share_captured=0.8, age_days=365.25))
    assert (read.tests.se[0], read.tests.share[0], read.tests.age[0]) == pytest.approx((0.6, 0.8, 1.0))


def test_the_class_comes_from_the_row_then_the_setting_then_the_name():
    named = pl.concat([reading(channel="x", channel_class="tv"), reading(channel="podcast ads", channel_class=None)])
    read = readings(named, channels=["y", "z"], classes={"x": "audio", "y": "audio"})
    assert dict(zip(read.channels, [choice.name for choice in read.choices], strict=True)) == {
        "podcast ads": "audio",
        "x": "tv",
        "y": "audio",
        "z": "unknown",
    }


def test_two_classes_for_one_channel_are_refused():
    both = pl.concat([reading(channel_class="a"), reading(channel_class="b")])
    with pytest.raises(ValueError, match="two classes"):
        readings(both)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        pytest.param({"returns": np.ones((5, 3))}, r"shape \(5, 3\)", id="shape"),
        pytest.param({"captured": {"t": np.ones(4)}}, r"captured\['t'\]", id="draws of a test"),
        pytest.param({"uses_experiments": True}, "count them twice", id="has seen the tests"),
        pytest.param({"channels": ("a", "a")}, "each named once", id="twice"),
    ],
)
def test_impossible_mmm_draws_are_refused(fields, complaint):
    with pytest.raises(ValueError, match=complaint):
        MMMDraws(**{"channels": ("a", "b"), "returns": np.ones((5, 2)), **fields})


def test_a_claim_counts_what_its_kind_usually_counts_unless_it_says_otherwise():
    read = readings(
        pl.concat(
            [
                claim("ads", kind="platform", claim_type=None, platform="meta"),
                claim("views", kind="platform", claim_type="view", platform="meta"),
                claim("ga4", claim_type=None, platform=None),
                claim("survey", kind="self_reported", claim_type=None, platform=None),
            ],
            how="diagonal_relaxed",
        )
    )
    types = dict(zip([read.claims.sources[k] for k in read.claims.source], read.claims.claim_type, strict=True))
    assert types == {"ads": "click", "views": "view", "ga4": "last_click", "survey": "self_reported"}
    assert sorted(read.claims.platform) == ["ga4", "meta", "meta", "survey"]
