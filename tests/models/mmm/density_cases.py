"""Models of every form on which the compiled density is compared with other ways of writing it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.mmm.model.build import design
from models.mmm.model.design import Form
from models.mmm.model.lift_tests import Calibration, Experiment, calibrate
from models.mmm.spec import ChannelSpec, MMMSpec, Normal
from tests.models.mmm.mmm_worlds import panel

FORMS = [
    Form("geometric", "hill", False, 6),
    Form("geometric", "logistic", False, 6),
    Form("weibull", "hill", True, 9),
    Form("weibull", "exponential", False, 9),
    Form("weibull", "hill", True, 9, delayed=("b",), sloped=("a",)),
]


def calibration_of(data, plan):
    day = data.dates
    inside = Experiment(
        name="dark", channels=("a",), start=day[10], end=day[14], value=900.0, se=300.0, cooldown_days=7
    )
    both = Experiment(name="pair", channels=("a", "b"), start=day[20], end=day[23], value=2000.0, se=500.0, robust=True)
    past = Experiment(
        name="old",
        channels=("b",),
        start=day[0].replace(year=2019),
        end=day[4].replace(year=2019),
        value=1.5,
        se=0.4,
        estimand="iroas",
        spend=5000.0,
        control_spend=1000.0,
    )
    return calibrate(data, plan.media, plan.scales, [inside, both, past])


def plan_of(form, geos, signed, with_tests, periods=40):
    data = panel(geos=geos, periods=periods, channels=("a", "b"), seed=3, controls=True)
    channels = {"b": ChannelSpec(signed_iroas=Normal(mu=0.5, sigma=1.0))} if signed else {}
    plan = design(data, MMMSpec(channels=channels), form)
    wild = np.random.default_rng(8).uniform(0.4, 1.3, plan.weight.shape)  # weights of wild rows differ by week
    plan = replace(plan, weight=plan.weight * wild)
    return plan, calibration_of(data, plan) if with_tests else Calibration.none(geos, periods)
