"""Channels read together: the algebra of the normal case, and promises that hold where channels are much alike."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from models.mmm import ChannelSpec
from models.mmm.result.fit import LogReturns
from models.mmm.spec import LogNormal
from models.planning import pooling
from models.planning.pooling import pooled_levels

PRIOR_MEAN, PRIOR_SD, NOISE = 0.2, 0.9, 0.5


def a_fit(read: np.ndarray, *, draws: int = 400, own: tuple[str, ...] = (), seed: int = 0):
    """Stands for a fit whose data read log iROAS as `read` with sd NOISE a channel: its posterior is normal."""
    names = tuple(f"c{i}" for i in range(read.size))
    precision = PRIOR_SD**-2 + NOISE**-2
    mean = (PRIOR_MEAN / PRIOR_SD**2 + read / NOISE**2) / precision
    z = np.random.default_rng(seed).normal(size=(draws, read.size))
    z = np.linalg.solve(np.linalg.cholesky(np.cov(z.T)), (z - z.mean(axis=0)).T).T  # moments exactly 0 and 1
    logs = mean + z / np.sqrt(precision)
    size = np.eye(read.size)
    returns = LogReturns(names, np.full(read.size, PRIOR_MEAN), PRIOR_SD**2 * size, logs.mean(axis=0), np.cov(logs.T))
    belief = ChannelSpec(iroas=LogNormal(mu=PRIOR_MEAN, sigma=PRIOR_SD))
    return SimpleNamespace(
        log_returns=lambda: returns,
        roas_draws=lambda: np.exp(logs),
        data=SimpleNamespace(channels=names),
        spec=SimpleNamespace(channels=dict.fromkeys(own, belief)),
    )


def test_one_spread_gives_the_normal_posterior(monkeypatch):
    spread, read = 0.3, np.array([-0.5, 0.1, 0.4, 1.3])
    monkeypatch.setattr(pooling, "SPREADS", np.array([spread]))
    belief = spread**2 * np.eye(4) + PRIOR_SD**2
    cov = np.linalg.inv(np.linalg.inv(belief) + np.eye(4) / NOISE**2)
    mean = cov @ (np.linalg.solve(belief, np.full(4, PRIOR_MEAN)) + read / NOISE**2)
    logs = np.log(np.stack(list(pooled_levels(a_fit(read), 400).values()), axis=1))
    np.testing.assert_allclose(logs.mean(axis=0), mean, atol=1e-6)
    np.testing.assert_allclose(np.cov(logs.T), cov, atol=1e-6)


def test_a_draw_keeps_its_place():
    """High draws stay high, so that a level stays with the curve it was sampled with."""
    fit = a_fit(np.array([0.0, 0.3, 0.6]))
    made = pooled_levels(fit, 400)
    for i, levels in enumerate(made.values()):
        assert np.corrcoef(np.log(levels), np.log(fit.roas_draws()[:, i]))[0, 1] > 0.8


@pytest.mark.parametrize(("spread", "least", "most"), [(0.3, 0.5, 0.75), (0.6, 0.8, 1.1), (0.9, 0.95, 1.2)])
def test_stated_differences_between_channels_come_true(spread, least, most):
    """300 companies whose log iROAS differ by `spread` within a company, a common level, six channels.

    Slope of the true difference on the stated one: 1 is an honest promise. Each channel by itself gives
    spread^2 / (spread^2 + .25) x (1 + .25 / .81): .35, .77 and 1. Read together it lies nearer to 1 where channels are
    much alike, and cannot be 1 everywhere: six channels teach little of their spread. Standard errors about .03.
    """
    rng = np.random.default_rng(1)
    alone, together = [], []
    for company in range(300):
        truth = PRIOR_MEAN + rng.normal(0, 0.6) + rng.normal(0, spread, 6)
        fit = a_fit(truth + rng.normal(0, NOISE, 6), draws=60, seed=company)
        levels = np.stack(list(pooled_levels(fit, 60).values()), axis=1)
        for kept, draws in ((alone, fit.roas_draws()), (together, levels)):
            stated = np.log(draws).mean(axis=0)
            kept.append((stated - stated.mean(), truth - truth.mean()))
    slopes = [sum(s @ t for s, t in kept) / sum(s @ s for s, _ in kept) for kept in (alone, together)]
    by_itself = spread**2 / (spread**2 + NOISE**2) * (1 + NOISE**2 / PRIOR_SD**2)
    assert slopes[0] == pytest.approx(by_itself, abs=0.08)
    assert least < slopes[1] < most


def test_channels_with_a_belief_of_their_own_and_pairs_are_left_alone():
    assert pooled_levels(a_fit(np.array([0.0, 1.0])), 50) == {}
    assert pooled_levels(a_fit(np.array([0.0, 1.0, 2.0]), own=("c2",)), 50) == {}
    fit = a_fit(np.array([0.0, 0.1, 0.2, 2.5]), own=("c3",))
    made = pooled_levels(fit, 400)
    assert np.log(made["c3"]).mean() == pytest.approx(np.log(fit.roas_draws()[:, 3]).mean(), abs=0.02)
