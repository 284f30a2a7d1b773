"""The compiled density against finite differences and against the PyMC graph that states the model."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import numpy as np
import polars as pl
import pytest

from models.triangulation.evidence import readings
from models.triangulation.layout import block, coordinates, effects, layout, start
from models.triangulation.priors import EvidencePriors, LogNormalPrior
from models.triangulation.worlds import WORLDS, simulate

PRIORS = EvidencePriors(drift=LogNormalPrior(median=0.3, log_sd=0.4), mmm_bias_sd=0.2, test_tail=5.0)


def everything():
    """All sources, designs, classes and correlations at once."""
    world = simulate(WORLDS["two claims"], np.random.default_rng(4))
    designs = pl.when(pl.col("method") == "test_1").then(pl.lit("quasi"))
    designs = designs.when(pl.col("method") == "test_2").then(pl.lit("platform_lift")).otherwise("design")
    classes = pl.col("channel").replace_strict(
        {f"channel_{i}": ("brand", "social", None)[i % 3] for i in range(8)}, default=None
    )
    correlated = simulate(WORLDS["correlated MMM"], np.random.default_rng(5)).mmm
    return readings(world.evidence.with_columns(design=designs, channel_class=classes), mmm=correlated)


def only(kind):
    world = simulate(WORLDS["base"], np.random.default_rng(6))
    return readings(world.evidence.filter(kind=kind))


CASES = [
    pytest.param(everything, id="everything"),
    pytest.param(lambda: only("experiment"), id="tests alone"),
    pytest.param(lambda: only("platform"), id="claims alone"),
]


def compiled(read, point):
    from models.triangulation.log_density import log_density

    grad = np.empty(point.size)
    return log_density(point, grad, block(read, PRIORS)), grad


def points(read, count=4):
    generator = np.random.default_rng(7)
    begin = start(read, PRIORS)
    return [begin + generator.normal(0, 0.4, begin.size) for _ in range(count)]


@pytest.mark.parametrize("case", CASES)
def test_the_gradient_is_the_slope_of_the_density(case):
    read = case()
    for point in points(read):
        _, grad = compiled(read, point)
        step = 1e-5 * np.eye(point.size)
        slope = [(compiled(read, point + s)[0] - compiled(read, point - s)[0]) / 2e-5 for s in step]
        # Central differences of a density of size 100 at a step of 1e-5: about 1e-8 of rounding.
        assert grad == pytest.approx(slope, rel=1e-5, abs=1e-6)


def test_coordinates_and_log_iroas_are_each_others_inverse():
    read = everything()
    for point in points(read):
        assert coordinates(read, PRIORS, effects(read, PRIORS, point)) == pytest.approx(point, abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_the_compiled_density_equals_the_graph(case):
    from models.triangulation.layout import centred
    from models.triangulation.pymc_model import graph

    read = case()
    model, place = graph(read, PRIORS), layout(read)
    theirs = model.compile_logp()
    constants = []
    for coordinate in points(read):
        point = effects(read, PRIORS, coordinate)
        classes = (len(read.claims.sources), len(read.classes))
        named = {
            "mu": point[0],
            "tau_log__": point[1],
            "drift_log__": point[2],
            "quasi_log__": point[3],
            "platform_lift_log__": point[4],
            "b_mmm": point[5],
            "omega_mmm_log__": point[6],
            "bias": point[place.bias],
            "noise_log__": point[place.log_noise],
            "alpha": point[place.class_effects],
            "delta": point[place.class_biases].reshape(classes),
            "eta": point[place.channel_effects],
        }
        asked = {v.name for v in model.value_vars}
        # Our coordinates stretch each channel by tau^(1 - a): the graph's density changes by that factor.
        stretch = float(np.sum(1 - centred(read, PRIORS)) * point[1])
        reference = float(theirs({k: v for k, v in named.items() if k in asked})) + stretch
        constants.append(compiled(read, coordinate)[0] - reference)
    # Constants are left out of the compiled density, so the gap is one number at every point.
    assert np.ptp(constants) < 1e-8


@pytest.mark.slow
def test_the_graph_and_the_compiled_density_draw_the_same_posterior():
    from models.triangulation import combine

    world = simulate(WORLDS["base"], np.random.default_rng(8))
    ours, theirs = (combine(world.evidence, mmm=world.mmm, seed=1, engine=e) for e in ("compiled", "pymc"))
    gap = (ours.estimates["mean"] - theirs.estimates["mean"]).abs() / theirs.estimates["sd"]
    # Effective sizes above 1,000 on both sides: a standard error of about .04 sd.
    assert gap.max() < 0.15
    assert (ours.estimates["sd"] / theirs.estimates["sd"]).is_between(0.9, 1.1).all()


INTERRUPTED = """
import signal
import subprocess
import sys
import time

import numpy as np
from models.triangulation import SamplerSettings, combine
from models.triangulation.worlds import WORLDS, simulate
world = simulate(WORLDS["base"], np.random.default_rng(1))
combine(world.evidence, mmm=world.mmm, seed=1)
print("ready", flush=True)
combine(world.evidence, mmm=world.mmm, seed=1, settings=SamplerSettings(draws=2_000_000))
print("finished")
"""


@pytest.mark.slow
def test_ctrl_c_stops_the_run_instead_of_leaving_half_a_posterior():
    run = subprocess.Popen([sys.executable, "-W", "ignore", "-c", INTERRUPTED], stdout=-1, stderr=-1, text=True)
    assert run.stdout.readline() == "ready\n"
    time.sleep(1.0)
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=60)
    assert "finished" not in out
    assert run.returncode != 0
    assert "KeyboardInterrupt" in err
