"""Scores before launch beside live results: corrected for noise, and refused where noise is all there is."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.operations.prelaunch_scores import ScoreFramesError, agreement


def scored(briefs: int, rho: float, live_reliability: float, seed: int, *, twice: bool = True) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    brief = np.repeat(np.arange(briefs), 3)
    taste = rng.normal(size=brief.size)
    truth = rho * taste + np.sqrt(1 - rho**2) * rng.normal(size=brief.size)
    se = np.sqrt(1 / live_reliability - 1)
    story = rng.normal(0, 3, briefs)[brief]
    second = taste + 0.65 * rng.normal(size=brief.size) + story
    return pl.DataFrame(
        {
            "brief": [f"b{i}" for i in brief],
            "variant": [f"v{i}" for i in range(brief.size)],
            "score": taste + 0.65 * rng.normal(size=brief.size) + story,
            "second_score": second if twice else pl.Series([None] * brief.size, dtype=pl.Float64),
            "live": truth + se * rng.normal(size=brief.size) + story,
            "live_se": np.full(brief.size, se),
        }
    )


def test_the_correlation_is_corrected_for_noise_and_for_the_story():
    result = agreement("model", scored(400, 0.6, 0.5, 1))
    assert result.state == "measured"
    assert result.low < 0.6 < result.high
    assert result.raw < 0.5
    assert result.score_reliability == pytest.approx(1 / (1 + 0.65**2 / 2), abs=0.05)


def test_scored_once_it_says_so():
    result = agreement("human", scored(100, 0.6, 0.6, 2, twice=False))
    assert "scored once" in result.reason
    assert result.score_reliability is None


def test_too_few_and_too_noisy_are_refused_with_the_number():
    few = agreement("model", scored(20, 0.6, 0.5, 3))
    assert (few.state, few.rho) == ("could not be computed", None)
    assert "40 comparisons" in few.reason
    noisy = agreement("model", scored(200, 0.6, 0.1, 4))
    assert noisy.state == "could not be computed"
    assert "too noisy" in noisy.reason


def test_impossible_frames_are_refused():
    rows = scored(30, 0.6, 0.5, 5)
    with pytest.raises(ScoreFramesError, match="lack live_se"):
        agreement("model", rows.drop("live_se"))
    with pytest.raises(ScoreFramesError, match="stands twice"):
        agreement("model", pl.concat([rows, rows.head(1)]))
