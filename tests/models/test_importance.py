"""Importance weights, effective draws and alarms by hand and by an independent implementation."""

from __future__ import annotations

import numpy as np
import pytest

from models.importance import drift, effective, smooth, surprise


def test_smoothed_weights_agree_with_arviz():
    import arviz as az

    logs = np.random.default_rng(0).standard_t(4, 2000)
    ours, k = smooth(logs)
    theirs, k_theirs = az.psislw(logs.copy())
    np.testing.assert_allclose(np.log(ours), theirs, atol=1e-2)
    assert k == pytest.approx(float(k_theirs), abs=0.02)


def test_effective_draws_count_both_losses():
    assert effective(np.full(1000, 1e-3), 1000.0) == pytest.approx(1000)
    assert effective(np.full(1000, 1e-3), 500.0) == pytest.approx(500)
    assert effective(np.r_[np.full(500, 2e-3), np.zeros(500)], 1000.0) == pytest.approx(500)


def test_surprise_and_drift_by_hand():
    weights = np.array([0.5, 0.5])
    assert surprise(3.0, np.array([-1.0, 1.0]), np.ones(2), weights) == pytest.approx(3 / np.sqrt(2))
    assert drift((1.0, 1.0, 1.0), 0.25) == pytest.approx(2.25)
    assert drift((-1.0, -1.0, 2.0), 0.5) == pytest.approx(1.5)
    assert drift((0.5, -0.5, 0.5), 0.75) == 0.0
