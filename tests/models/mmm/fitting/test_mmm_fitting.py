"""Fits recover known effects, follow tests, and say when they did not converge."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from models.mmm import (
    Experiment,
    Sampling,
    evidence_tiers,
    fit,
)
from tests.models.mmm.mmm_worlds import QUICK


def test_the_truth_lies_near_the_estimate(fitted, world):
    assert fitted.converged
    for row in fitted.totals().iter_rows(named=True):
        # 120 weeks at 2 % noise: the posterior sd is about 10 %, four of them leave room for an unlucky world
        assert abs(row["mean"] - world[1][row["channel"]]) < 4 * row["sd"] + 0.05 * row["mean"]


def test_regions_are_recovered_too(panel_fit):
    found, truth = panel_fit
    for row in found.totals().iter_rows(named=True):
        assert abs(row["mean"] - truth[row["channel"]]) < 4 * row["sd"] + 0.05 * row["mean"]


def test_the_same_seed_gives_the_same_fit(world):
    short = QUICK.model_copy(update={"sampling": Sampling(draws=100, tune=100)})
    one, two = fit(world[0], short, seed=9), fit(world[0], short, seed=9)
    assert one.roas().equals(two.roas())


def test_an_unstable_sample_blocks(world):
    hasty = QUICK.model_copy(update={"sampling": Sampling(draws=5, tune=5)})
    rough = fit(world[0], hasty, seed=1)
    assert not rough.converged
    assert rough.warnings()[0].severity == "block"
    assert len(rough.decisions) >= 3  # every rung of the ladder is on record


def test_a_test_pulls_its_channel_and_marks_the_fit(world, fitted):
    data = world[0]
    half = float(fitted.totals()["mean"][0]) / 2
    window = Experiment(
        name="t", channels=("a",), start=data.dates[0], end=data.dates[-1] + timedelta(days=6), value=half, se=half / 50
    )
    with_test = fit(data, QUICK, experiments=[window], seed=1)
    assert with_test.uses_experiments
    # the test's error is 2 % of its value, the data's about 10 %: the test must win
    assert with_test.totals()["mean"][0] == pytest.approx(half, rel=0.1)
    # Half of what the data say is a disagreement: the test is trusted, but nothing is called validated.
    assert "experiment_conflict" in {w.code for w in with_test.findings}
    assert dict(evidence_tiers(with_test).select("channel", "tier").iter_rows())["a"] == "prior-dominated"


def test_a_test_that_agrees_with_the_data_validates_its_channel(world, fitted):
    data = world[0]
    usual = float(fitted.totals()["mean"][0])
    dates = {"start": data.dates[0], "end": data.dates[-1] + timedelta(days=6)}
    window = Experiment(name="t", channels=("a",), value=usual * 0.95, se=usual / 10, **dates)
    with_test = fit(data, QUICK, experiments=[window], seed=1)
    assert dict(evidence_tiers(with_test).select("channel", "tier").iter_rows())["a"] == "experiment-validated"


def test_a_null_result_is_welcome(world):
    data = world[0]
    null = Experiment(name="null", channels=("b",), start=data.dates[20], end=data.dates[30], value=-50.0, se=400.0)
    plain = fit(data, QUICK, seed=1).totals()["mean"][1]
    assert fit(data, QUICK, experiments=[null], seed=1).totals()["mean"][1] < plain


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        pytest.param({"channels": ("zz",)}, "channel 'zz' is not in the data", id="unknown channel"),
        pytest.param({"geos": ("zz",)}, "geo 'zz' is not in the data", id="unknown geo"),
        pytest.param({"start": date(2019, 1, 7), "end": date(2019, 2, 3)}, "lies outside the data", id="outside"),
        pytest.param({"end": date(2021, 1, 1)}, "is before start", id="turned round"),
        pytest.param({"se": 0.0}, "greater than 0", id="no error"),
        pytest.param({"inflation": 0.5}, "more certain than it is", id="deflated"),
    ],
)
def test_an_impossible_test_is_refused(world, change, complaint):
    given = {
        "name": "t",
        "channels": ("a",),
        "start": date(2022, 3, 7),
        "end": date(2022, 4, 3),
        "value": 10.0,
        "se": 5.0,
    }
    with pytest.raises(ValueError, match=complaint):
        fit(world[0], QUICK, experiments=[Experiment(**{**given, **change})], seed=1)
