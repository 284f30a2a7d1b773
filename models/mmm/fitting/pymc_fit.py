"""Fits by PyMC's graph and nutpie, for every part that the compiled density does not have.

Linear weights and weekly shocks are integrated out where the noise is Normal and drawn back afterwards; the rest is
sampled around its peak, in coordinates whitened by the curvature there, as the kernel's fits are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from models.mmm.checks import after_sampling
from models.mmm.engine import convergence
from models.mmm.engine.nuts import Run
from models.mmm.engine.parameters import ETA_PRIOR
from models.mmm.engine.pymc_model import reference_model
from models.mmm.fitting import engine_choice
from models.mmm.fitting.pymc_posterior import Named, posterior_of
from models.mmm.model.design import Design
from models.mmm.model.lift_tests import Calibration, Experiment, calibrate
from models.mmm.result.fit import MMMFit
from models.warning import Warning

CLIP = 0.2  # smallest precision kept when whitening, as in the kernel's path
LEAST_SPREAD_SD = 0.2  # of the log of a group's spread: no data determine it more closely


def fit_reference(
    design: Design, experiments: Sequence[Experiment], *, findings: list[Warning], decisions: list[str], seed: int
) -> MMMFit:
    """The fit by PyMC's graph and nutpie: any part of the spec, slower than the kernel by one to two orders."""
    tests = calibrate(design.data, design.media, design.scales, experiments)
    likelihood = "student_t" if design.spec.likelihood == "student_t" else "normal"
    model = reference_model(design, tests, likelihood=likelihood, marginal=likelihood == "normal")
    density, names, unravel = _density(model)
    if likelihood == "normal":
        centre, factor = _peak(density, names)
    else:
        centre, factor = _beside_normal(design, tests, density, names)
    settings = design.spec.sampling
    problems: list[str] = []
    attempts = (
        (settings.draws, max(settings.tune, 300), settings.target_accept),
        (settings.draws * 2, max(settings.tune, 600), 0.98),
        (settings.draws * 3, 1500, 0.99),
    )
    # spreads beside sampled weights are a funnel: the first, coarse steps only ever diverge there
    for draws, tune, accept in attempts if likelihood == "normal" else attempts[1:]:
        run = _sample(density, centre, factor, chains=settings.chains, draws=draws, tune=tune, accept=accept, seed=seed)
        table = convergence.convergence_table(run.theta, names)
        problems = convergence.failures(table, run)
        decisions.append(f"PyMC graph, {settings.chains} x ({tune} + {draws}): {'; '.join(problems) or 'converged'}")
        if not problems:
            break
        flat = run.theta.reshape(-1, len(names))
        centre, factor = flat.mean(axis=0), np.linalg.cholesky(np.cov(flat.T) + 1e-8 * np.eye(len(names)))
    if problems:
        findings = [*findings, convergence.not_converged(problems, decisions)]
    reason = engine_choice.engine_reason(engine_choice.unsupported(design.spec, design.data))
    draws_of_all = posterior_of(unravel(run.theta.reshape(-1, len(names))), run.theta, names, design, seed)
    result = MMMFit(
        design, draws_of_all, "pymc", reason, tuple(decisions), tuple(experiments), table, tuple(findings), seed
    )
    return replace(result, known_findings=(*findings, *after_sampling.check(result)))


def _density(
    model: Any,
) -> tuple[Callable[[np.ndarray], tuple[float, np.ndarray]], tuple[str, ...], Callable[[np.ndarray], Named]]:
    """Log density with gradient of a flat point, the coordinates' names, and flat draws (D, n) by variable's name."""
    function = model.logp_dlogp_function(ravel_inputs=True)
    function.set_extra_values({})
    function._pytensor_function.trust_input = True
    point = model.initial_point()
    free = [(v, model.rvs_to_values[v].name) for v in model.free_RVs]
    names: list[str] = []
    for variable, value in free:
        size = point[value].size
        label = value.removesuffix("_log__")
        label = label if value == variable.name else f"log_{label}"
        names += [label] if point[value].ndim == 0 else [f"{label}[{i}]" for i in range(size)]

    def unravel(flat: np.ndarray) -> Named:
        out, at = {}, 0
        for variable, value in free:
            shape = point[value].shape
            part = flat[:, at : at + point[value].size].reshape(-1, *shape)
            out[variable.name] = part if value == variable.name else np.exp(part)
            at += point[value].size
        return out

    def density(theta: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = function(theta)
        return float(value), gradient

    density.start = np.concatenate([np.ravel(point[value]) for _, value in free])  # type: ignore[attr-defined]
    return density, tuple(names), unravel


def _beside_normal(
    design: Design,
    tests: Calibration,
    density: Callable[[np.ndarray], tuple[float, np.ndarray]],
    names: tuple[str, ...],
) -> tuple[np.ndarray, np.ndarray]:
    """Mode and lower covariance factor of a graph whose linear weights are sampled: spreads as Normal noise has them.

    At a joint mode of weights and spreads the spreads run off to where they explain everything or nothing. They are
    held where they peak with the weights integrated out, and each weight, which is sampled in units of its group's
    spread, moves against it as far as the data determine that weight.
    """
    plain, labels, _ = _density(reference_model(design, tests, marginal=True))
    mode, factor = _peak(plain, labels)
    sd = np.sqrt((factor**2).sum(axis=1))
    spreads = {n: (float(mode[i]), float(sd[i])) for i, n in enumerate(labels) if n.startswith("log_spread")}
    centre, factor = _peak(density, names, {names.index(n): law for n, law in spreads.items()})
    share_known = 1 - np.minimum((factor**2).sum(axis=1), 1.0)
    lean = np.eye(len(names))
    series = range(len(design.data.mediator_names))
    for weight, spread in (("linear_z", "log_spread"), *((f"mediator_z_{m}", f"log_spread_{m}") for m in series)):
        for k, group in enumerate(design.baseline.group):
            if group >= 0:
                at = names.index(f"{weight}[{k}]")
                lean[at, names.index(f"{spread}[{group}]")] = -centre[at] * share_known[at]
    return centre, np.linalg.cholesky(lean @ factor @ factor.T @ lean.T)


def _peak(
    density: Callable[[np.ndarray], tuple[float, np.ndarray]],
    names: tuple[str, ...],
    fixed: dict[int, tuple[float, float]] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Mode and lower covariance factor. The regions' spread and unknown true values are held at their priors:
    a joint mode would take them to where they explain every residual, which says nothing about the bulk. `known`
    coordinates are held at a value with its sd.
    """
    from scipy.optimize import minimize

    begin: np.ndarray = density.start.copy()  # type: ignore[attr-defined]

    def negative(theta: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = density(theta)
        if not np.isfinite(value) or not np.isfinite(gradient).all():
            return 1e10, np.zeros_like(theta)
        return -value, -gradient

    bounds = [(b - 12, b + 12) for b in begin]
    held = {
        i: ETA_PRIOR[1] if name == "log_eta" else 1.0
        for i, name in enumerate(names)
        if name == "log_eta" or name.startswith("latent_z")
    }
    for i, (value, sd) in (fixed or {}).items():
        begin[i], held[i] = value, max(sd, LEAST_SPREAD_SD)
    for i in held:
        bounds[i] = (begin[i], begin[i])
    mode = minimize(negative, begin, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 1000}).x
    hessian = np.empty((len(mode), len(mode)))
    for i in range(len(mode)):
        step = np.zeros_like(mode)
        step[i] = 1e-4
        hessian[i] = (negative(mode + step)[1] - negative(mode - step)[1]) / 2e-4
    hessian = 0.5 * (hessian + hessian.T)
    for i, sd in held.items():
        hessian[i], hessian[:, i] = 0.0, 0.0
        hessian[i, i] = 1 / sd**2
    values, vectors = np.linalg.eigh(hessian)
    covariance = (vectors / np.maximum(values, CLIP)) @ vectors.T
    return mode, np.linalg.cholesky(0.5 * (covariance + covariance.T))


def _sample(
    density: Callable[[np.ndarray], tuple[float, np.ndarray]],
    centre: np.ndarray,
    factor: np.ndarray,
    *,
    chains: int,
    draws: int,
    tune: int,
    accept: float,
    seed: int,
) -> Run:
    import nutpie
    from nutpie.compiled_pyfunc import from_pyfunc

    n = centre.size

    def logp(z: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = density(centre + factor @ z)
        if not np.isfinite(value):
            return -1e300, np.zeros(n)
        return value, factor.T @ gradient

    compiled = from_pyfunc(
        n,
        lambda: logp,
        lambda *_: lambda z: {"theta": centre + factor @ z},
        [np.dtype("float64")],
        [(n,)],
        ["theta"],
        make_initial_point_fn=lambda start: np.random.default_rng(start).normal(size=n),
    )
    trace = nutpie.sample(
        compiled,
        chains=chains,
        draws=draws,
        tune=tune,
        target_accept=accept,
        seed=seed,
        cores=1,
        progress_bar=False,
        save_warmup=False,
    )
    theta = np.asarray(trace.posterior["theta"].values)
    if theta.shape[:2] != (chains, draws):
        raise KeyboardInterrupt  # nutpie answers Ctrl-C with what it has; half a posterior must not pass for one
    stats = trace.sample_stats
    return Run(
        theta,
        int(stats["diverging"].values.sum()),
        np.asarray(stats["energy"].values),
        float(stats["n_steps"].values.mean()),
        float((stats["depth"].values >= 10).mean()),
    )
