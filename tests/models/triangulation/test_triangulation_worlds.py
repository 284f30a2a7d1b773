"""The evidence model against simulated companies of known truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare

from models.triangulation.calibration import rank_uniformity
from models.triangulation.scores import alarms, score
from models.triangulation.worlds import WORLDS, simulate

# 30 companies of 8 channels: 240 ranges, but channels of one company err together, so coverage has a standard error
# of about .03 and RMSE of about 6 %.
COMPANIES = 30
STRESS = [name for name in WORLDS if name not in ("base", "no tests")]


@pytest.fixture(scope="module")
def scores():
    made = {}

    def of(name):
        if name not in made:
            made[name] = score(WORLDS[name], replicates=COMPANIES, seed=1)
        return made[name]

    return of


@pytest.mark.slow
def test_in_the_base_world_it_beats_every_single_sensor(scores):
    base = scores("base")
    assert base.rmse["triangulated"] <= 0.80 * base.best_single
    assert 0.83 <= base.coverage <= 0.97


@pytest.mark.slow
def test_without_tests_it_is_no_worse_than_the_mmm(scores):
    assert scores("no tests").rmse["triangulated"] <= scores("no tests").rmse["mmm"]


@pytest.mark.campaign
@pytest.mark.parametrize("name", STRESS)
def test_no_stress_world_breaks_it(scores, name):
    # Where claims are honest the best sensor is the claim itself, which no company can know: there, the MMM is the bar.
    rmse = scores(name).rmse
    bar = 0.80 * rmse["mmm"] if name == "honest claims" else 1.05 * scores(name).best_single
    assert rmse["triangulated"] <= bar
    assert scores(name).coverage >= 0.83


@pytest.mark.campaign
def test_useless_channels_are_covered(scores):
    # About 60 useless channels in 30 companies of this world: standard error .05.
    assert scores("many useless").useless_coverage >= 0.70


@pytest.mark.campaign
def test_every_fit_has_enough_effective_draws(scores):
    for name in ("base", "no tests", "strong demand"):
        assert scores(name).ess >= 400


@pytest.mark.campaign
def test_a_botched_test_is_found_and_sound_ones_are_left_alone():
    false, found = alarms(WORLDS["botched test"], replicates=COMPANIES, seed=1)
    # Nominal .05 over 120 sound tests (standard error .02); power over 30 botched ones (standard error .09).
    assert false <= 0.09
    assert found >= 0.46


@pytest.mark.campaign
def test_ranks_of_the_truth_are_uniform_when_the_priors_are_right():
    counts = rank_uniformity(replicates=300, tests=4, seed=1)
    assert counts.sum() == 300
    assert chisquare(counts).pvalue > 0.01


@pytest.mark.slow
def test_worlds_draw_wider_than_the_priors_and_hold_useless_channels():
    worlds = [simulate(WORLDS["base"], np.random.default_rng([3, i])) for i in range(60)]
    theta = np.concatenate([w.theta for w in worlds])
    # 480 channels: the classes' chances of no effect average about .19, and the wide returns add a few.
    assert 0.12 < (theta < 0.1).mean() < 0.35
    assert {c for w in worlds for c in w.channels} >= {"brand_search", "tv", "newsletter"}
