"""The evidence model against simulated companies of known truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chisquare

from models.triangulation.scores import alarms, rank_uniformity, score
from models.triangulation.worlds import SHIFTED, WORLDS

# 30 companies of 8 channels: 240 ranges, but channels of one company err together, so coverage has a standard error
# of about .03 and RMSE of about 6 %. Limits are the nightly ones (200 companies) widened by one such error.
COMPANIES = 30
STRESS = [name for name in WORLDS if name not in ("base", "no tests")]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def scores():
    found = {}

    def of(name):
        if name not in found:
            found[name] = score(WORLDS[name], replicates=COMPANIES, seed=1)
        return found[name]

    return of


def test_in_the_base_world_it_beats_every_single_sensor(scores):
    base = scores("base")
    assert base.rmse["triangulated"] <= 0.80 * base.best_single
    assert 0.83 <= base.coverage <= 0.97


@pytest.mark.parametrize("name", STRESS)
def test_no_stress_world_breaks_it(scores, name):
    found = scores(name)
    assert found.rmse["triangulated"] <= 1.30 * found.best_single
    assert found.coverage >= 0.83


def test_every_fit_passes_the_sampling_gates(scores):
    for name in ("base", "no tests", "bad MMM"):
        assert scores(name).r_hat <= 1.01
        assert scores(name).ess >= 400
        assert scores(name).diverging <= 0.001


def test_tests_teach_it_about_channels_that_were_never_tested():
    without = score(SHIFTED, replicates=COMPANIES, seed=1)
    with_four = score(replace(SHIFTED, tested=4), replicates=COMPANIES, seed=1)
    assert with_four.untested_rmse <= 0.80 * without.untested_rmse
    assert with_four.untested_coverage >= 0.77


def test_a_botched_test_is_found_and_sound_ones_are_left_alone():
    false, found = alarms(WORLDS["botched test"], replicates=COMPANIES, seed=1)
    # Nominal .05 over 150 sound tests (standard error .018); power over 30 botched ones (standard error .09).
    assert false <= 0.08
    assert found >= 0.46


def test_ranks_of_the_truth_are_uniform_when_the_priors_are_right():
    counts = rank_uniformity(replicates=150, channels=5, tests=4, seed=1)
    assert counts.sum() == 150
    assert chisquare(counts).pvalue > 0.01


def test_a_simulated_claim_is_as_far_off_as_its_spec_says():
    from models.triangulation.worlds import simulate

    worlds = [simulate(WORLDS["base"], np.random.default_rng([3, i])) for i in range(200)]
    logs = [
        w.evidence.filter(kind="platform").sort("channel")["iroas"].log().to_numpy() - np.log(w.theta) for w in worlds
    ]
    # 1,600 claims of sd .6: standard error .015.
    assert np.mean(logs) == pytest.approx(0.69, abs=0.05)
    assert np.std(logs) == pytest.approx(0.60, abs=0.04)
