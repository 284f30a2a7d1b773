"""What is learned from texts beside the effects that the world put into them."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from written_tests import read_back, written

from feedback.patterns.dimensions import DIMENSIONS
from models.patterns import LearnSpec, PatternEstimates, learn
from models.worlds.contents import EFFECT
from models.worlds.written_pieces import PART_EFFECT, PARTS

EXCLUSIVE = frozenset(DIMENSIONS)


@pytest.fixture(scope="module")
def learned() -> PatternEstimates:
    tests, features = read_back(written(5, days=900))
    return learn(tests, features, seed=1, spec=LearnSpec(exclusive=EXCLUSIVE))


def true_effect(feature: str) -> float:
    if feature == "proof.statistic":
        return 0.17  # .28 and .06, as many briefs for either audience
    namespace, name = feature.split(".")
    return EFFECT.get(name, 0.0) if namespace == "headline" else PART_EFFECT.get(feature, 0.0)


def test_every_part_is_learned_in_its_true_size(learned: PatternEstimates) -> None:
    frame = learned.frame.with_columns(truth=pl.col("feature").map_elements(true_effect, return_dtype=pl.Float64))
    z = ((frame["raw"] - frame["truth"]) / frame["raw_se"]).to_numpy()
    # 50 estimates of true size: the largest of 50 normal errors stays below 3.5 in 98 of 100 worlds.
    assert np.abs(z).max() < 3.5
    assert np.sqrt(np.mean(z**2)) < 1.35
    parts = frame.filter(~pl.col("feature").str.starts_with("headline."))
    drawn = {f"{name}.{value}" for name, values in PARTS.items() for value in values}
    assert set(parts["feature"]) == drawn - {f"{d.name}.{d.usual}" for d in DIMENSIONS.values()}
    sure = parts.filter((pl.col("lfsr") < 0.05) & (pl.col("truth") != 0))
    assert sure.height >= 5
    assert (sure["shrunk"] * sure["truth"] > 0).all()


def test_a_plain_value_does_not_look_good_because_its_rival_is_bad(learned: PatternEstimates) -> None:
    """Casual has no effect, urgent a bad one: beside all others casual would gain half of what urgent loses."""
    tests, features = read_back(written(5, days=900))
    naive = learn(tests, features, seed=1, spec=LearnSpec(placebo_draws=0)).estimate("tone.casual")
    casual = learned.estimate("tone.casual")
    assert casual is not None
    assert naive is not None
    assert abs(casual.raw) < 3 * casual.raw_se
    assert naive.raw - casual.raw == pytest.approx(-PART_EFFECT["tone.urgent"] / 2, abs=0.03)


def test_values_of_one_dimension_are_no_twins_that_nobody_can_separate() -> None:
    """Every piece shows a person or a chart: 'person' and 'not chart' are one statement, which may be made."""
    rng = np.random.default_rng(3)
    week = date(2026, 1, 5)
    tests, features = [], []
    for brief in range(60):
        for value in ("person", "chart"):
            clicks = int(rng.binomial(8000, 0.05 * (1.25 if value == "person" else 1.0)))
            tests.append((f"b{brief}", f"b{brief}{value}", "meta", week, 8000, clicks))
            features.append((f"b{brief}{value}", f"visual.{value}"))
    table = pl.DataFrame(tests, schema=["brief", "variant", "channel", "week", "trials", "successes"], orient="row")
    listed = pl.DataFrame(features, schema=["variant", "feature"], orient="row")
    found = learn(table, listed, seed=1, spec=LearnSpec(placebo_draws=0, exclusive=EXCLUSIVE))
    assert found.joint["visual.person"] > 0 > found.joint["visual.chart"]
    apart = learn(table, listed, seed=1, spec=LearnSpec(placebo_draws=0))
    assert np.isnan(list(apart.joint.values())).all()
