"""Convergence figures agree with an independent implementation."""

from __future__ import annotations

import numpy as np
import pytest

from models.mmm.engine import convergence


def test_convergence_figures_agree_with_arviz():
    import arviz as az

    rng = np.random.default_rng(1)
    noise = rng.normal(size=(4, 600))
    draws = np.empty_like(noise)
    draws[:, 0] = noise[:, 0]
    for i in range(1, 600):
        draws[:, i] = 0.6 * draws[:, i - 1] + noise[:, i]
    assert convergence.r_hat(draws) == pytest.approx(float(az.rhat(draws)), abs=2e-3)
    assert convergence.ess_bulk(draws) == pytest.approx(float(az.ess(draws, method="bulk")), rel=0.05)
    assert convergence.ess_tail(draws) == pytest.approx(float(az.ess(draws, method="tail")), rel=0.05)
    assert convergence.r_hat(draws + np.arange(4)[:, None]) > 1.1
