"""Lift tests of every shape enter the likelihood as reported."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from models.mmm import Experiment
from models.mmm.model.build import design
from models.mmm.model.design import Form
from models.mmm.model.lift_tests import calibrate
from tests.models.mmm.mmm_worlds import QUICK, frame, read


@pytest.fixture(scope="module")
def world():
    long, truth = frame(periods=120, seed=2)
    return read(long, 1), truth


@pytest.fixture(scope="module")
def panel():
    long, _ = frame(geos=3, periods=60, seed=5)
    return read(long, 3)


def window(data, first, last, **known):
    given = {"name": "t", "channels": ("a",), "value": 100.0, "se": 50.0}
    return Experiment(**{**given, "start": data.dates[first], "end": data.dates[last] + timedelta(days=6), **known})


def plan_of(data):
    return design(data, QUICK, Form("geometric", "logistic", False, 8))


def test_an_interval_becomes_a_standard_error():
    known = {"name": "t", "channels": ("a",), "start": date(2022, 3, 7), "end": date(2022, 4, 3), "value": 10.0}
    assert Experiment.from_interval(0.0, 20.0, level=0.9, **known).se == pytest.approx(20 / (2 * 1.6449), rel=1e-4)
    assert Experiment.from_interval(0.0, 20.0, level=0.95, **known).se == pytest.approx(20 / (2 * 1.96), rel=1e-4)
    with pytest.raises(ValueError, match="not in the middle of 0 to 60"):
        Experiment.from_interval(0.0, 60.0, **known)


def test_a_test_in_which_the_regions_were_dark_needs_what_they_would_have_spent(panel):
    data = panel
    data.media[1, 20:24, 0] = 0.0
    data.spend[1, 20:24, 0] = 0.0
    plan = plan_of(data)
    with pytest.raises(ValueError, match="If they were dark on purpose, give control_spend"):
        calibrate(data, plan.media, plan.scales, [window(data, 20, 23, geos=("g1",))])
    dark = window(data, 20, 23, geos=("g1",), control_spend=4000.0, value=2.0, estimand="iroas")
    tests = calibrate(data, plan.media, plan.scales, [dark])
    control = tests.control_media[0]
    np.testing.assert_allclose(control[[0, 2]], plan.media[0][[0, 2]])
    assert (control[1, 20:24] > 0).all()
    assert tests.values[0, 0] < 0  # money was withheld, so a channel that works shows as lost sales
    # the same money buys the same volume as in the rest of the data
    bought = (plan.media[0] * plan.scales.size[:, None]).sum() / data.spend[:, :, 0].sum()
    assert (control[1, 20:24] * plan.scales.size[1]).sum() == pytest.approx(4000 * bought)


def test_a_test_of_two_channels_shares_its_money_as_they_are_bought(world):
    data = world[0]
    plan = plan_of(data)
    both = Experiment(
        name="old",
        channels=("a", "b"),
        start=date(2019, 1, 7),
        end=date(2019, 2, 3),
        value=1.0,
        se=0.3,
        estimand="iroas",
        spend=6000.0,
        control_spend=2000.0,
    )
    tests = calibrate(data, plan.media, plan.scales, [both])
    assert tests.values[0, 0] * plan.scales.kpi == pytest.approx(4000)
    spends = data.spend.sum(axis=(0, 1))
    level = [tests.control_media[i, 0, 0] * spends[c] / plan.media[c].sum() for i, c in ((0, 0), (2, 1))]
    assert level[0] / level[1] == pytest.approx(spends[0] / spends[1])


def test_saying_the_control_twice_is_refused(world):
    with pytest.raises(ValueError, match="say the same thing twice"):
        window(world[0], 20, 30, control_share=0.5, control_spend=100.0)
