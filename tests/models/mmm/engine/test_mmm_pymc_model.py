"""The PyMC model is the compiled density, point by point."""

from __future__ import annotations

import numpy as np
import pytest

from models.mmm.engine import layout
from models.mmm.engine.parameters import names as names_of
from models.mmm.model.build import design
from models.mmm.model.design import Form
from models.mmm.model.lift_tests import Calibration
from models.mmm.spec import MMMSpec
from tests.models.mmm.density_cases import FORMS, plan_of
from tests.models.mmm.mmm_worlds import panel


def start_of(plan):
    from models.mmm.engine.laplace import start

    return start(plan)


def _media_mean(model, point):
    """The reference's own expected KPI with every linear weight at zero."""
    still = {k: (np.zeros_like(v) if k in ("linear_z", "week_z") else v) for k, v in point.items()}
    expected = model.replace_rvs_by_values([model["kpi"].owner.inputs[2]])[0]
    return np.asarray(model.compile_fn(expected, inputs=model.value_vars, on_unused_input="ignore")(still))


@pytest.mark.slow
@pytest.mark.parametrize("geos", [1, 3])
@pytest.mark.parametrize("form", FORMS, ids=lambda f: f"{f.adstock}-{f.saturation}")
def test_the_compiled_density_equals_the_pymc_reference(form, geos):
    """log p(theta) = log p(theta, linear, week) - log p(linear, week | theta), the last one Gaussian and known."""
    from models.mmm.engine.log_density import core
    from models.mmm.engine.pymc_model import reference_model

    plan, tests = plan_of(form, geos, True, True)
    block = layout.build(plan, tests)
    model = reference_model(plan, tests)
    names = names_of(plan)
    n, width = len(names), len(plan.baseline.scale)
    logp = model.compile_logp()
    rng = np.random.default_rng(5)
    gaps = []
    for _ in range(20):
        theta = start_of(plan) + rng.normal(0, 0.3, n)
        value = dict(zip(names, theta, strict=True))
        point = model.initial_point()
        for key in point:
            base = key.replace("sigma_log__", "log_sigma")
            if base in ("linear_z", "week_z"):
                point[key] = rng.normal(size=point[key].shape)
            elif base in value:
                point[key] = np.array(value[base])
            else:
                found = [v for name, v in value.items() if name.startswith(base + "[")]
                point[key] = np.array(found).reshape(point[key].shape)
        out = np.empty(2 * width + width * width + 2)
        core(theta, np.empty(n), block, out)
        marginal = core(theta, np.empty(n), block, np.empty(0)) + np.log(plan.weight).sum()
        sigma = np.exp(value["log_sigma"])
        x = plan.baseline.columns.reshape(width, -1) * out[width : 2 * width, None]
        if geos > 1:
            tau = sigma * np.sqrt(np.exp(value["log_week_ratio"]) / (plan.weight**2).sum(axis=0))
            x = np.concatenate([x, np.tile(np.diag(tau), (1, geos))])
        mean = _media_mean(model, point)
        w = plan.weight.ravel() / sigma
        precision = np.eye(len(x)) + (x * w) @ (x * w).T
        centre = np.linalg.solve(precision, (x * w) @ ((plan.y - mean).ravel() * w))
        z = np.concatenate([point["linear_z"], point["week_z"]]) if geos > 1 else point["linear_z"]
        gap = z - centre
        _, log_det = np.linalg.slogdet(precision)
        conditional = 0.5 * (log_det - len(x) * np.log(2 * np.pi) - gap @ precision @ gap)
        gaps.append(float(logp(point)) - conditional - marginal)
    assert np.ptp(gaps) < 1e-7


@pytest.mark.slow
def test_the_graph_without_its_linear_part_is_the_compiled_density():
    """Same density at the same point, for regions with common shocks and a test: the constants are the data's."""
    from models.mmm.engine import layout
    from models.mmm.engine.laplace import start
    from models.mmm.engine.log_density import core
    from models.mmm.engine.parameters import names as names_of
    from models.mmm.engine.pymc_model import reference_model

    data = panel(geos=3, periods=40, channels=("a", "b"), seed=3)
    plan = design(data, MMMSpec(geo_effects=False), Form("geometric", "logistic", False, 6))
    none = Calibration.none(*plan.y.shape)
    model = reference_model(plan, none, marginal=True)
    density, names = model.compile_logp(), names_of(plan)
    block, gaps = layout.build(plan, none), []
    for seed in range(4):
        theta = start(plan) + np.random.default_rng(seed).normal(0, 0.3, len(names))
        point = model.initial_point()
        value = {n.split("[")[0]: [] for n in names}
        for name, number in zip(names, theta, strict=True):
            value[name.split("[")[0]].append(number)
        for key in point:
            point[key] = np.array(value[key.replace("sigma_log__", "log_sigma")]).reshape(point[key].shape)
        compiled = core(theta, np.empty(len(names)), block, np.empty(0)) + np.log(plan.weight).sum()
        gaps.append(float(density(point)) - compiled)
    assert np.abs(gaps).max() < 1e-6  # two ways to the same number of order 100
