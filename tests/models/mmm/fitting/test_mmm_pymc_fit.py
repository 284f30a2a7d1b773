"""Fits by PyMC pass the same gates and give the same answer."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from models.mmm import (
    MMMData,
    MMMSpec,
    Sampling,
    fit,
)
from models.mmm.fitting.pymc_posterior import true_values
from models.mmm.model.build import design
from models.mmm.model.design import Form
from models.mmm.model.response import carryover_weights, respond
from models.mmm.result.posterior import Posterior
from tests.models.mmm.mmm_worlds import QUICK, frame, read

LONG, _ = frame(periods=60)
WIDE = LONG.with_columns(
    often=1 + pl.col("price").abs(), cited=pl.col("price").abs() + 1, se=pl.lit(0.2), searches=pl.col("a") * 0.1 + 5
)


def wide_panel(**choices):
    return MMMData.from_frame(WIDE, **{"date": "date", "kpi": "kpi", "spend": {"a": "a", "b": "b"}, **choices})


def some_draws(plan, count=3):
    rng = np.random.default_rng(0)
    c = len(plan.media)
    beta = np.exp(rng.normal(0, 0.2, (count, c)))
    return Posterior(
        np.zeros((1, count, 0)),
        (),
        np.exp(rng.normal(0.3, 0.3, (count, c))),
        np.exp(rng.normal(0.3, 0.2, (count, c))),
        np.exp(rng.normal(0.5, 0.2, (count, c))),
        np.exp(rng.normal(0.5, 0.2, (count, c))),
        np.log(beta),
        beta,
        np.repeat(beta[:, :, None], len(plan.data.geos), axis=2),
        np.zeros((count, len(plan.baseline.scale))),
        np.ones(count),
        np.zeros(count),
    )


def test_unknown_true_values_vary_around_the_calibrated_series():
    """At the middle of their belief they are the calibrated series, and the response follows each draw of them."""
    data = wide_panel(organic={"ai": "cited"}, organic_se={"ai": "se"}, levels=["ai"])
    plan = design(data, MMMSpec(measurement="latent"), Form("geometric", "logistic", False, 6))
    z = np.concatenate([np.zeros((1, 1, 60)), np.random.default_rng(0).normal(size=(1, 1, 60))])
    true = true_values({"latent_z_0": z}, plan)
    np.testing.assert_allclose(true[0, 0], plan.media[2], rtol=1e-9)
    draws = replace(some_draws(plan, 2), latent=true)
    draws = replace(draws, half_saturation=np.full((2, 3), 1.5), half_life=np.full((2, 3), 0.05))
    found = respond(plan, draws.response, 2, plan.media[2], slice(None))[1, 0]
    weights = carryover_weights("weibull", draws.half_life[:, 2], draws.shape[:, 2], 6)[1]
    stock = np.convolve(true[1, 0, 0], weights)[:60]
    np.testing.assert_allclose(found, np.tanh(np.log(3) / 2 * stock / 1.5), rtol=1e-9)


@pytest.mark.slow
def test_the_pymc_engine_gives_the_same_answer(world, fitted):
    slow = fit(world[0], QUICK.model_copy(update={"engine": "pymc"}), seed=1)
    assert slow.engine == "pymc"
    gap = np.abs(slow.roas()["mean"] - fitted.roas()["mean"]) / fitted.roas()["sd"]
    assert gap.max() < 0.15  # Monte Carlo error of two runs with 400 or more effective draws
    assert json.dumps(slow.decisions)


@pytest.mark.slow
def test_student_noise_passes_the_gates_beside_wild_weeks():
    long, truth = frame(periods=78, seed=5, channels=("a",))
    wild = np.zeros(78)
    wild[[11, 30, 52, 69]] = 3000.0, -2500.0, 3500.0, -3000.0  # ten times the noise of the other weeks
    data = read(long.with_columns(pl.col("kpi") + pl.Series(wild)), 1, ("a",))
    spec = MMMSpec(
        likelihood="student_t",
        adstock="geometric",
        saturation="logistic",
        season_harmonics=1,
        sampling=Sampling(chains=2, draws=600),
    )
    found = fit(data, spec, seed=1)
    assert found.engine == "pymc"
    assert found.converged
    for row in found.totals().iter_rows(named=True):
        assert abs(row["mean"] - truth[row["channel"]]) < 3 * row["sd"]
