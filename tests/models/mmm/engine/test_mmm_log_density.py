"""The compiled density is the reference density, its gradient is right, and odd inputs never crash it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from models.mmm.engine import layout
from models.mmm.engine.parameters import ETA_PRIOR, WEEK_PRIOR
from models.mmm.engine.parameters import names as names_of
from models.mmm.model.build import design
from models.mmm.result.contributions import media_sums
from models.mmm.result.posterior import from_kernel
from models.mmm.spec import MMMSpec
from tests.models.mmm.density_cases import FORMS, plan_of
from tests.models.mmm.mmm_worlds import panel


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
    d = np.array(
        [
            s * (1.0 if j < 0 else spread[plan.baseline.groups[j]])
            for s, j in zip(plan.baseline.scale, plan.baseline.group, strict=True)
        ]
    )
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


CASES = list(itertools.product(FORMS, (1, 3), (False, True), (False, True)))
IDS = [
    f"{f.adstock}-{f.saturation}{'-mixed' if f.delayed else ''}-{g} geos{'-signed' if s else ''}{'-tests' if t else ''}"
    for f, g, s, t in CASES
]


def start_of(plan):
    from models.mmm.engine.laplace import start

    return start(plan)


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


def test_a_spike_at_the_end_of_one_region_does_not_bleed_into_the_next():
    from models.mmm.engine import log_density

    data = panel(geos=2, periods=40, channels=("a",), seed=1)
    plan = design(data, MMMSpec(geo_effects=False, winsorise_spikes=False), FORMS[0])
    block = layout.build(plan)
    with_spike = block.copy()
    with_spike[log_density.HEADER + 39 * 2] *= 50  # last period of the first of two regions
    theta = start_of(plan)
    draws = from_kernel(theta[None, None, :], block, plan, seed=0)
    media = plan.media.copy()
    media[0, 0, -1] *= 50
    labels = np.repeat(np.arange(2)[:, None], 40, axis=1)
    before = media_sums(plan, draws, plan.media, labels, 2)
    after = media_sums(plan, draws, media, labels, 2)
    assert after[0, 0, 0] > before[0, 0, 0]
    assert after[0, 1, 0] == before[0, 1, 0]
    grad, nothing = np.empty(theta.size), np.empty(0)
    assert log_density.core(theta, grad, with_spike, nothing) != log_density.core(theta, grad, block, nothing)


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


@pytest.mark.parametrize(("geos", "periods"), [(1, 104), (12, 95)])
@pytest.mark.parametrize("form", FORMS[:3], ids=lambda f: f"{f.adstock}-{f.saturation}")
def test_the_density_is_the_same_to_the_last_bit_wherever_its_arrays_lie(form, geos, periods):
    """One differing bit makes other draws: a run that is made again would print other figures."""
    from models.mmm.engine.log_density import core

    plan = design(panel(geos=geos, periods=periods, channels=tuple("abcdef"), seed=1), MMMSpec(), form)
    block, theta = layout.build(plan), start_of(plan)
    rng, gradient, seen, still_occupied = np.random.default_rng(0), np.empty(theta.size), set(), []
    for _ in range(1000):  # sums that may be reordered differ in one of fifty of these states of the heap
        occupied = [np.empty(rng.integers(1, 3000)) for _ in range(rng.integers(1, 50))]
        seen.add((core(theta, gradient, block, np.empty(0)), gradient.tobytes()))
        still_occupied = occupied[::2]
    assert still_occupied
    assert len(seen) == 1
