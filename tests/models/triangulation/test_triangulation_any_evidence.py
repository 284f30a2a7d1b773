"""Whatever valid evidence says, the combination has an answer: nothing raises, and every figure is finite."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.channel_classes import CLASSES
from models.triangulation import MMMDraws, combine
from models.triangulation import sampler as joint_draws

READING = st.one_of(
    st.floats(-5, 10),
    st.sampled_from([0.0, -0.0, 1e-9, -1e-9, 1e6, -1e6, 150.0, 0.015]),
    st.floats(-1e12, 1e12, allow_nan=False),
)
ERROR = st.one_of(st.floats(0.01, 3), st.sampled_from([1e-9, 1e-4, 1e4, 1e12]))
CLAIM = st.one_of(st.floats(0, 20), st.sampled_from([0.0, 1e-9, 1e9]))
CHANNELS = ("search", "tv", "display", "podcast")
SHAPES = ("usual", "wide", "negative", "zero", "constant", "two channels as one", "enormous", "one not finite")
SCHEMA = {
    "channel": pl.String,
    "method": pl.String,
    "kind": pl.String,
    "iroas": pl.Float64,
    "se": pl.Float64,
    "age_days": pl.Float64,
    "share_captured": pl.Float64,
    "quality": pl.Float64,
    "design": pl.String,
    "claim_type": pl.String,
    "platform": pl.String,
}


@st.composite
def experiment_rows(draw):
    """Up to four tests of any channel."""
    rows = []
    for number in range(draw(st.integers(0, 4))):
        rows.append(
            {
                "channel": draw(st.sampled_from(CHANNELS)),
                "method": f"test {number}",
                "kind": "experiment",
                "iroas": draw(READING),
                "se": draw(ERROR),
                "age_days": draw(st.one_of(st.none(), st.floats(0, 4000))),
                "share_captured": draw(st.one_of(st.none(), st.floats(0.01, 2))),
                "quality": draw(st.one_of(st.none(), st.floats(0.01, 1))),
                "design": draw(st.sampled_from([None, "rct", "quasi", "platform_lift"])),
            }
        )
    return rows


@st.composite
def claim_rows(draw):
    """Claims of some methods on some channels, each once."""
    rows = []
    for method, kind in (
        ("ads", "platform"),
        ("views", "platform"),
        ("ga4", "attribution"),
        ("survey", "self_reported"),
    ):
        for channel in draw(st.sets(st.sampled_from(CHANNELS), max_size=2)):
            rows.append(
                {
                    "channel": channel,
                    "method": method,
                    "kind": kind,
                    "iroas": draw(CLAIM),
                    "se": draw(st.one_of(st.none(), st.floats(0, 50))),
                    "claim_type": draw(st.sampled_from([None, "click", "view", "last_click", "data_driven"])),
                    "platform": draw(st.sampled_from([None, "one platform"])),
                }
            )
    return rows


@st.composite
def mmm_draws(draw):
    """None, or draws of some channels in one of the shapes that fits have had, with or without what tests captured."""
    names = tuple(sorted(draw(st.sets(st.sampled_from(CHANNELS), max_size=4))))
    if not names:
        return None
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    count = draw(st.sampled_from([1, 2, 50, 400]))
    returns = np.exp(rng.normal(0, 0.5, (count, len(names))))
    shape = draw(st.sampled_from(SHAPES))
    if shape == "wide":
        returns = np.exp(rng.normal(0, 3.0, returns.shape))
    elif shape == "negative":
        returns = rng.normal(-0.5, 0.4, returns.shape)
    elif shape == "zero":
        returns[:, 0] = 0.0
    elif shape == "constant":
        returns[:] = 1.3
    elif shape == "two channels as one":
        returns[:, -1] = returns[:, 0]
    elif shape == "enormous":
        returns *= 1e9
    elif shape == "one not finite":
        returns[0, 0] = draw(st.sampled_from([np.nan, np.inf]))
    captured = {}
    if draw(st.booleans()):
        captured = {"test 0": rng.choice([0.0, 0.5, 1.0, -3.0, 1e6], count)}
    return MMMDraws(names, returns, captured)


CLASS_WORDS = st.dictionaries(
    st.sampled_from(CHANNELS), st.sampled_from([*CLASSES, "search", "video", "no such class"]), max_size=4
)


def combined(tests, claims, mmm, classes, margin):
    frame = pl.DataFrame([*tests, *claims], schema=SCHEMA)
    result = combine(frame, mmm=mmm, channels=["tv"], classes=classes, margin=margin, seed=1)
    assert np.isfinite(result.theta).all()
    figures = result.estimates.select("mean", "sd", "q05", "q50", "q95", "p_useless").to_numpy()
    assert np.isfinite(figures).all()
    assert (result.estimates["q05"] <= result.estimates["q95"]).all()
    shares = result.weights.select("experiment", "mmm", "attribution", "prior").to_numpy()
    assert (shares >= 0).all()
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, atol=1e-9)
    assert result.conflicts["p"].is_between(0, 1).all()
    assert (result.mmm_draw >= 0).all()
    if mmm is not None:
        assert (result.mmm_draw < len(mmm.returns)).all()
    blocked = {w.subject for w in result.warnings if w.severity == "block"}
    assert blocked == set(result.convergence.stuck)


ANY_EVIDENCE = given(
    tests=experiment_rows(),
    claims=claim_rows(),
    mmm=mmm_draws(),
    classes=CLASS_WORDS,
    margin=st.one_of(st.none(), st.floats(0.05, 1.0)),
)
QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch):
    """What raises does so with few draws as well."""
    monkeypatch.setattr(joint_draws, "PROPOSALS", (1_000, 2_000))
    monkeypatch.setattr(joint_draws, "KEPT_DRAWS", 300)


@settings(max_examples=300, deadline=None, suppress_health_check=QUIET, derandomize=True)
@ANY_EVIDENCE
def test_no_valid_evidence_raises(tests, claims, mmm, classes, margin):
    combined(tests, claims, mmm, classes, margin)


@pytest.mark.campaign
@settings(max_examples=5_000, deadline=None, suppress_health_check=QUIET)
@ANY_EVIDENCE
def test_no_valid_evidence_raises_in_five_thousand_cases(tests, claims, mmm, classes, margin):
    combined(tests, claims, mmm, classes, margin)
