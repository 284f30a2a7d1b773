"""The compiled density is the reference density, its gradient is right, and odd inputs never crash it."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from models.mmm.engine import laplace, layout, reparametrisation
from models.mmm.engine.parameters import ETA_PRIOR, WEEK_PRIOR
from models.mmm.engine.parameters import names as names_of
from models.mmm.engine.reparametrisation import PartialNonCentring
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
        name="old", channels=("b",), start=day[0].replace(year=2019), end=day[4].replace(year=2019), value=1.5, se=0.4,
        estimand="iroas", spend=5000.0, control_spend=1000.0,
    )  # fmt: skip
    return calibrate(data, plan.media, plan.scales, [inside, both, past])


def dense(plan, tests, theta, block):
    """Log density by full covariance matrices and plain formulas, sharing no code with the kernel."""
    names = dict(zip(names_of(plan), theta, strict=True))
    media = plan.data.media_names
    geos, periods = plan.y.shape
    form = plan.form
    logp = 0.0

    def normal(value, mean, sd):
        return -0.5 * ((value - mean) / sd) ** 2 - np.log(sd) - 0.5 * np.log(2 * np.pi)

    def respond(x, c):
        h, k = np.exp(names[f"log_half_life[{c}]"]), np.exp(names.get(f"log_shape[{c}]", 0.0))
        left = np.exp(-np.log(2) * (np.arange(form.taps + 1) / h) ** k)
        w = (left[:-1] - left[1:]) / (1 - left[-1])
        a = np.array(
            [[sum(w[j] * row[t - j] for j in range(min(form.taps, t + 1))) for t in range(periods)] for row in x]
        )
        e, p = np.exp(names[f"log_half_saturation[{c}]"]), np.exp(names.get(f"log_slope[{c}]", 0.0))
        if form.saturation == "hill":
            with np.errstate(divide="ignore"):
                return np.where(a > 0, 1 / (1 + (e / np.maximum(a, 1e-300)) ** p), 0.0)
        return np.tanh(np.log(3) / 2 * a / e) if form.saturation == "logistic" else 1 - np.exp(-np.log(2) * a / e)

    mean, by_geo = np.zeros((geos, periods)), {}
    for i, c in enumerate(media):
        s = respond(plan.media[i], c)
        u = names[f"effect[{c}]"]
        beta = (u if plan.effect.kind[i] == 2 else np.exp(u)) / ((s * plan.scales.size[:, None]).sum() / plan.cells)
        eps = np.array([names.get(f"eps[{c},{g}]", 0.0) for g in plan.data.geos])
        by_geo[c] = beta * (1 + np.exp(names.get("log_eta", -99.0)) * eps)
        mean += by_geo[c][:, None] * s
        logp += normal(u, plan.effect.mu[i], plan.effect.sd[i])
        logp += normal(names[f"log_half_life[{c}]"], *plan.half_life[i])
        logp += normal(names[f"log_half_saturation[{c}]"], *plan.half_saturation[i])
        if f"log_shape[{c}]" in names:
            logp += normal(names[f"log_shape[{c}]"], plan.spec.delay_shape.mu, plan.spec.delay_shape.sigma)
        if f"log_slope[{c}]" in names:
            logp += normal(names[f"log_slope[{c}]"], plan.spec.slope.mu, plan.spec.slope.sigma)
        if plan.geo_effects:
            logp += normal(eps, 0, 1).sum()
    sigma = np.exp(names["log_sigma"])
    scale = 3.0 * plan.scales.baseline.movement
    logp += np.log(2) + normal(sigma, 0, scale) + names["log_sigma"]
    spread = {g: np.exp(names[f"log_spread[{g}]"]) for g in plan.baseline.groups}
    from models.mmm.model.baseline import GROUP_SPREAD

    for g in plan.baseline.groups:
        logp += normal(names[f"log_spread[{g}]"], np.log(GROUP_SPREAD[g][0]), GROUP_SPREAD[g][1])
    d = np.array([s * (1.0 if j < 0 else spread[plan.baseline.groups[j]])
                  for s, j in zip(plan.baseline.scale, plan.baseline.group, strict=True)])  # fmt: skip
    x = plan.baseline.columns.reshape(len(d), -1) * d[:, None]
    cov = x.T @ x + np.diag(sigma**2 / plan.weight.ravel() ** 2)
    if plan.week_effects:
        ratio = np.exp(names["log_week_ratio"])
        logp += normal(names["log_week_ratio"], *WEEK_PRIOR)
        tau2 = sigma**2 * ratio / (plan.weight**2).sum(axis=0)
        cov += np.kron(np.ones((geos, geos)), np.diag(tau2))
    if plan.geo_effects:
        logp += normal(names["log_eta"], *ETA_PRIOR)
    r = (plan.y - mean).ravel()
    q = np.linalg.solve(cov, r)  # refined once: one solve errs by 1e-8 where r'q is near 1e4, differently per BLAS
    q += np.linalg.solve(cov, (r - cov.astype(np.longdouble) @ q).astype(float))
    logp += -0.5 * (r @ q + np.linalg.slogdet(cov)[1] + r.size * np.log(2 * np.pi))
    for e, (value, se, tail) in enumerate(tests.values):
        lift = 0.0
        for i in np.flatnonzero(tests.pairs[:, 0] == e):
            c = media[int(tests.pairs[i, 1])]
            gap = tests.pairs[i, 2] * respond(plan.media[int(tests.pairs[i, 1])], c) - respond(
                tests.control_media[i], c
            )
            lift += (tests.weights[i] * by_geo[c][:, None] * gap).sum()
        z = (value - lift) / se
        logp += -0.5 * (tail + 1) * np.log1p(z * z / tail) - np.log(se) if tail else normal(value, lift, se)
    return logp


def plan_of(form, geos, signed, with_tests, periods=40):
    data = panel(geos=geos, periods=periods, channels=("a", "b"), seed=3, controls=True)
    channels = {"b": ChannelSpec(signed_iroas=Normal(mu=0.5, sigma=1.0))} if signed else {}
    plan = design(data, MMMSpec(channels=channels), form)
    wild = np.random.default_rng(8).uniform(0.4, 1.3, plan.weight.shape)  # weights of wild rows differ by week
    plan = replace(plan, weight=plan.weight * wild)
    return plan, calibration_of(data, plan) if with_tests else Calibration.none(geos, periods)


CASES = list(itertools.product(FORMS, (1, 3), (False, True), (False, True)))
IDS = [
    f"{f.adstock}-{f.saturation}{'-mixed' if f.delayed else ''}-{g} geos{'-signed' if s else ''}{'-tests' if t else ''}"
    for f, g, s, t in CASES
]


@pytest.mark.parametrize(("form", "geos", "signed", "with_tests"), CASES, ids=IDS)
def test_the_compiled_density_equals_the_dense_formula(form, geos, signed, with_tests):
    from models.mmm.engine.log_density import core

    plan, tests = plan_of(form, geos, signed, with_tests)
    block = layout.build(plan, tests)
    n = len(names_of(plan))
    rng = np.random.default_rng(0)
    gaps = []
    for _ in range(3):
        theta = start_of(plan) + rng.normal(0, 0.4, n)
        # The kernel speaks of weighted rows; the weights' log is a constant of the data.
        gaps.append(
            core(theta, np.empty(n), block, np.empty(0)) + np.log(plan.weight).sum() - dense(plan, tests, theta, block)
        )
    # one constant per robust test: the Student-t's normaliser is dropped; 1e-8 is float error of a 120-row determinant
    assert np.ptp(gaps) < 1e-8
    if not with_tests:
        assert abs(gaps[0]) < 1e-8


@pytest.mark.parametrize(("form", "geos", "signed", "with_tests"), CASES, ids=IDS)
def test_the_gradient_is_the_slope_of_the_density(form, geos, signed, with_tests):
    from models.mmm.engine.log_density import core

    plan, tests = plan_of(form, geos, signed, with_tests)
    block = layout.build(plan, tests)
    n = len(names_of(plan))
    theta = start_of(plan) + np.random.default_rng(1).normal(0, 0.3, n)
    grad, other, nothing = np.empty(n), np.empty(n), np.empty(0)
    core(theta, grad, block, nothing)
    slope = np.empty(n)
    for i in range(n):
        step = np.zeros(n)
        step[i] = 1e-5
        slope[i] = (core(theta + step, other, block, nothing) - core(theta - step, other, block, nothing)) / 2e-5
    # central differences of a value near 1e3 carry about 1e-6 of absolute noise
    np.testing.assert_allclose(grad, slope, rtol=1e-5, atol=2e-5 * max(1.0, np.abs(slope).max() / 100))


def start_of(plan):
    from models.mmm.engine.laplace import start

    return start(plan)


def test_a_spike_at_the_end_of_one_region_does_not_bleed_into_the_next():
    from models.mmm.engine.log_density import core

    data = panel(geos=2, periods=40, channels=("a",), seed=1)
    plan = design(data, MMMSpec(geo_effects=False, winsorise_spikes=False), FORMS[0])
    block = layout.build(plan)
    from models.mmm.engine import log_density

    with_spike = block.copy()
    with_spike[log_density.HEADER + 39 * 2] *= 50  # last period of the first of two regions
    out = np.zeros((2, 2, 1))
    import models.mmm.result.posterior as post

    theta = start_of(plan)
    draws = post.from_kernel(theta[None, None, :], block, plan, seed=0)
    media = plan.media.copy()
    media[0, 0, -1] *= 50
    labels = np.repeat(np.arange(2)[:, None], 40, axis=1)
    before = post.media_sums(plan, draws, plan.media, labels, 2)
    after = post.media_sums(plan, draws, media, labels, 2)
    assert after[0, 0, 0] > before[0, 0, 0]
    assert after[0, 1, 0] == before[0, 1, 0]
    assert core(theta, np.empty(theta.size), with_spike, np.empty(0)) != core(
        theta, np.empty(theta.size), block, np.empty(0)
    )
    assert out.sum() == 0


@pytest.mark.parametrize("power", [0.0, 0.7], ids=["upright", "leaning"])
@pytest.mark.parametrize("form", [FORMS[0], FORMS[2]], ids=["one slope", "free slopes"])
def test_the_sampler_sees_the_density_of_its_own_coordinates(form, power):
    from models.mmm.engine import log_density

    plan, tests = plan_of(form, 3, False, True)
    names = names_of(plan)
    n, driver = len(names), np.full(len(names), -1)
    driver[names.index("log_eta") + 1 :] = names.index("log_eta")
    for channel in plan.data.media_names if form.free_slope else ():
        driver[names.index(f"log_half_saturation[{channel}]")] = names.index(f"log_slope[{channel}]")
    non_centring = PartialNonCentring(driver, np.where(driver >= 0, power, 0.0))
    rng, centre = np.random.default_rng(2), start_of(plan)
    factor = np.tril(rng.normal(0, 0.1, (n, n))) + 0.5 * np.eye(n)
    mapped = reparametrisation.with_map(layout.build(plan, tests), centre, factor, non_centring)
    z, grad, other = rng.normal(0, 0.4, n), np.empty(n), np.empty(n)
    code, value = log_density.whitened(z, grad, mapped)
    assert code == 0
    step = 1e-5
    slope = [
        (log_density.whitened(z + step * e, other, mapped)[1] - log_density.whitened(z - step * e, other, mapped)[1])
        / (2 * step)
        for e in np.eye(n)
    ]
    # central differences of a value near 1e3 carry about 1e-6 of absolute noise
    np.testing.assert_allclose(grad, slope, rtol=1e-5, atol=2e-5)
    theta, straight = log_density._theta(z, mapped), centre + factor @ z
    np.testing.assert_allclose(non_centring.to_model(straight[None], centre)[0], theta, rtol=1e-12)
    np.testing.assert_allclose(non_centring.to_sampled(theta[None], centre)[0], straight, rtol=1e-12)
    volume = value - log_density.core(theta, other, mapped, np.empty(0))
    assert non_centring.log_volume(theta[None], centre)[0] == pytest.approx(volume, abs=1e-8)

    def to_model(sampled):
        return non_centring.to_model(sampled[None], centre)[0]

    slopes = (to_model(straight + step * e) - to_model(straight - step * e) for e in np.eye(n))
    bends = np.array([slope / (2 * step) for slope in slopes])  # the map's own slope at this point, by differences
    assert np.linalg.slogdet(bends)[1] == pytest.approx(volume, abs=1e-6)


def test_the_straight_factor_is_the_covariance_seen_from_the_straight_coordinates():
    plan, tests = plan_of(FORMS[2], 3, False, True)
    found = replace(laplace.peak(layout.build(plan, tests), start_of(plan), names_of(plan)), held=None)
    non_centring = reparametrisation.partial_non_centring(found, plan)
    steps = 1e-6 * np.eye(found.mode.size)
    up, down = (
        non_centring.to_sampled(found.mode + steps, found.mode),
        non_centring.to_sampled(found.mode - steps, found.mode),
    )
    slope = (up - down).T / 2e-6  # how straight coordinates move with theta at the mode
    covariance = slope @ found.factor @ found.factor.T @ slope.T
    factor = non_centring.factor(found)
    assert (np.triu(factor, 1) == 0).all()
    np.testing.assert_allclose(factor @ factor.T, covariance, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("far", [-59.0, 59.0, 80.0, np.nan], ids=["low edge", "high edge", "outside", "not a number"])
def test_a_proposal_at_the_edge_is_rejected_not_raised(far, capfd):
    from models.mmm.engine.log_density import whitened

    plan, tests = plan_of(FORMS[2], 3, False, True)
    block = layout.build(plan, tests)
    n = len(names_of(plan))
    for i in range(n):
        z = start_of(plan)
        z[i] = far
        grad = np.zeros(n)
        code, value = whitened(z, grad, block)
        assert code in (0, 3, 4)
        if code == 0:
            assert np.isfinite(value)
            assert np.isfinite(grad).all()
    assert "Exception ignored" not in capfd.readouterr().err


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


def _media_mean(model, point):
    """The reference's own expected KPI with every linear weight at zero."""
    still = {k: (np.zeros_like(v) if k in ("linear_z", "week_z") else v) for k, v in point.items()}
    expected = model.replace_rvs_by_values([model["kpi"].owner.inputs[2]])[0]
    return np.asarray(model.compile_fn(expected, inputs=model.value_vars, on_unused_input="ignore")(still))
