"""The model in PyMC, to be read in one sitting: the meaning of every number is here, the kernel only computes it
faster.

    kpi / (size * scale) = baseline + sum over channels of  b * saturation(carryover(media / size))  + week + noise

Carryover is by half-life, saturation by the media level of half effect, and what is believed beforehand is not the
coefficient b but money: the channel's contribution over the window. All linear weights are Normal; regions share one
response and differ around it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from models.mmm import block as blocks
from models.mmm import endogeneity, postfit
from models.mmm.baseline import GROUP_SPREAD
from models.mmm.design import LOG_LINK, Design
from models.mmm.experiments import Calibration, Experiment, calibrate
from models.mmm.posterior import Posterior
from models.mmm.result import MMMFit
from models.mmm.sampler import Run
from models.warning import Warning

DEGREES_OF_FREEDOM = 4.0  # Student-t noise: one week in a hundred may be wild without bending the rest


def carryover(media: np.ndarray, half_life: Any, shape: Any, taps: int) -> Any:
    """Media (C, G, T) spread over the periods after it; waiting times are Weibull, geometric when shape is 1."""
    import pytensor.tensor as pt

    lags = np.arange(taps + 1)[:, None]
    still_to_come = pt.exp(-np.log(2) * (lags / half_life) ** shape)
    weights = still_to_come[:-1] - still_to_come[1:]
    weights = weights / weights.sum(axis=0)
    delayed = np.stack([np.pad(media, ((0, 0), (0, 0), (k, 0)))[:, :, : media.shape[2]] for k in range(taps)])
    return (weights[:, :, None, None] * delayed).sum(axis=0)


def saturation(curve: str, level: Any, half_saturation: Any, slope: Any) -> Any:
    """Share of the greatest possible effect at a media level; one half at `half_saturation`."""
    import pytensor.tensor as pt

    half = half_saturation[:, None, None]
    if curve == "logistic":
        return pt.tanh(np.log(3) / 2 * level / half)
    if curve == "exponential":
        return 1 - pt.exp(-np.log(2) * level / half)
    safe = pt.switch(level > 1e-12, level, 1.0)  # a power of zero has no gradient
    return pt.switch(level > 1e-12, 1 / (1 + (half / safe) ** slope[:, None, None]), 0.0)


def reference_model(plan: Design, tests: Calibration, *, likelihood: str = "normal") -> Any:
    """The PyMC model of `plan`, with the lift of every test compared with the model's own."""
    import pymc as pm
    import pytensor.tensor as pt

    spec, form = plan.spec, plan.form
    channels = len(plan.media)
    geos, periods = plan.y.shape
    groups = plan.baseline.groups
    with pm.Model() as model:
        # how each channel's effect spreads over time and flattens with spend
        log_half_life = pm.Normal("log_half_life", plan.half_life[:, 0], plan.half_life[:, 1], shape=channels)
        shape = slope = pt.ones(channels)
        if plan.delayed.any():
            own = pm.Normal("log_shape", spec.delay_shape.mu, spec.delay_shape.sigma, shape=int(plan.delayed.sum()))
            shape = pt.set_subtensor(shape[np.flatnonzero(plan.delayed)], pt.exp(own))
        half = plan.half_saturation
        log_half_saturation = pm.Normal("log_half_saturation", half[:, 0], half[:, 1], shape=channels)
        if plan.sloped.any():
            own = pm.Normal("log_slope", spec.slope.mu, spec.slope.sigma, shape=int(plan.sloped.sum()))
            slope = pt.set_subtensor(slope[np.flatnonzero(plan.sloped)], pt.exp(own))

        def response(media: np.ndarray) -> Any:
            level = carryover(media, pt.exp(log_half_life), shape, form.taps)
            return saturation(form.saturation, level, pt.exp(log_half_saturation), slope)

        # money first: the mean contribution is believed and sampled, the coefficient follows from it
        effect = pm.Normal("effect", plan.effect.mu, plan.effect.sd, shape=channels)
        contribution = pt.switch(plan.effect.kind == LOG_LINK, pt.exp(effect), effect)
        reached = response(plan.media)
        mean_response = (reached * plan.scales.size[None, :, None]).sum(axis=(1, 2)) / plan.cells
        beta = pm.Deterministic("beta", contribution / mean_response)
        by_geo = beta[:, None] * pt.ones((channels, geos))
        if plan.geo_effects:
            eta = pt.exp(pm.Normal("log_eta", *blocks.ETA_PRIOR))
            by_geo = by_geo * (1 + eta * pm.Normal("eps", 0.0, 1.0, shape=(channels, geos)))

        # what would happen without media; how far each group of columns may move is learned
        log_spread = pm.Normal(
            "log_spread",
            [np.log(GROUP_SPREAD[g][0]) for g in groups],
            [GROUP_SPREAD[g][1] for g in groups],
            shape=len(groups),
        )
        spread = pt.concatenate([pt.exp(log_spread), pt.ones(1)])[plan.baseline.group]  # -1 picks the fixed one
        weights = pm.Normal("linear_z", 0.0, 1.0, shape=len(plan.baseline.scale)) * plan.baseline.scale * spread
        pm.Deterministic("linear", weights)
        expected = pt.tensordot(weights, plan.baseline.columns, axes=1) + (by_geo[:, :, None] * reached).sum(axis=0)

        sigma = pm.HalfNormal("sigma", blocks.NOISE_SCALE * plan.scales.baseline.movement)
        if plan.week_effects:  # shocks that hit all regions in the same week
            ratio = pt.exp(pm.Normal("log_week_ratio", *blocks.WEEK_PRIOR))
            shock = pm.Normal("week_z", 0.0, 1.0, shape=periods)
            expected = expected + shock * sigma * pt.sqrt(ratio / (plan.weight**2).sum(axis=0))
        if likelihood == "student_t":
            pm.StudentT("kpi", nu=DEGREES_OF_FREEDOM, mu=expected, sigma=sigma / plan.weight, observed=plan.y)
        else:
            pm.Normal("kpi", expected, sigma / plan.weight, observed=plan.y)

        for number, (value, se, tail) in enumerate(tests.values):
            lift = pt.zeros(())
            for pair in np.flatnonzero(tests.pairs[:, 0] == number):
                c, observed_path = int(tests.pairs[pair, 1]), tests.pairs[pair, 2]
                control = np.zeros_like(plan.media)
                control[c] = tests.control_media[pair]
                gap = observed_path * reached[c] - response(control)[c]
                lift = lift + (tests.weights[pair] * by_geo[c][:, None] * gap).sum()
            if tail:
                pm.StudentT(f"test_{number}", nu=tail, mu=lift, sigma=se, observed=value)
            else:
                pm.Normal(f"test_{number}", lift, se, observed=value)
    return model


def fit_reference(
    plan: Design, experiments: Sequence[Experiment], *, findings: list[Warning], decisions: list[str], seed: int
) -> MMMFit:
    """The fit by PyMC's graph and nutpie: any likelihood, slower than the kernel by one to two orders of magnitude."""
    import nutpie

    tests = calibrate(plan.data, plan.media, plan.scales, experiments)
    likelihood = "student_t" if plan.spec.likelihood == "student_t" else "normal"
    compiled = nutpie.compile_pymc_model(reference_model(plan, tests, likelihood=likelihood))
    asked = plan.spec.sampling
    problems: list[str] = []
    for draws, tune, accept in (
        (asked.draws, max(asked.tune, 600), asked.target_accept),
        (asked.draws * 3, 1500, 0.99),
    ):
        trace = nutpie.sample(
            compiled,
            chains=asked.chains,
            draws=draws,
            tune=tune,
            target_accept=accept,
            seed=seed,
            cores=min(2, asked.chains),
            progress_bar=False,
            save_warmup=False,
        )
        sampled, names = _flat(trace.posterior, plan)
        if sampled.shape[:2] != (asked.chains, draws):
            raise KeyboardInterrupt  # nutpie answers Ctrl-C with what it has; half a posterior must not pass for one
        stats = trace.sample_stats
        run = Run(
            sampled, int(stats["diverging"].values.sum()), np.asarray(stats["energy"].values),
            float(stats["n_steps"].values.mean()), float((stats["depth"].values >= 10).mean()),
        )  # fmt: skip
        table = postfit.convergence_table(sampled, names)
        problems = postfit.failures(table, run)
        decisions.append(f"PyMC graph, {asked.chains} x ({tune} + {draws}): {'; '.join(problems) or 'converged'}")
        if not problems:
            break
    if problems:
        findings = [*findings, postfit.not_converged(problems, decisions)]
    reason = (
        "Student-t noise is not in the compiled density"
        if likelihood == "student_t"
        else "the spec asks for the PyMC graph"
    )
    done = MMMFit(
        plan,
        _posterior(trace.posterior, sampled, names, plan),
        "pymc",
        reason,
        tuple(decisions),
        tuple(experiments),
        table,
        tuple(findings),
        seed,
    )
    return replace(done, findings=(*findings, *postfit.check(done), *endogeneity.check(done)))


def _flat(posterior: Any, plan: Design) -> tuple[np.ndarray, tuple[str, ...]]:
    names, parts = [], []
    for name in (*_SCALARS, "linear_z"):
        if name in posterior:
            values = np.asarray(posterior[name].values)
            width = int(np.prod(values.shape[2:])) if values.ndim > 2 else 1
            parts.append(values.reshape(*values.shape[:2], width))
            names += [name if width == 1 else f"{name}[{i}]" for i in range(width)]
    return np.concatenate(parts, axis=2), tuple(names)


_SCALARS = (
    "log_half_life",
    "log_shape",
    "log_half_saturation",
    "log_slope",
    "effect",
    "sigma",
    "log_spread",
    "log_week_ratio",
    "log_eta",
    "eps",
)


def _posterior(posterior: Any, sampled: np.ndarray, names: tuple[str, ...], plan: Design) -> Posterior:
    count, channels, geos = sampled.shape[0] * sampled.shape[1], len(plan.media), len(plan.data.geos)

    def must(name: str, *shape: int) -> np.ndarray:
        return np.asarray(posterior[name].values).reshape(count, *shape)

    def take(name: str, *shape: int) -> np.ndarray | None:
        return must(name, *shape) if name in posterior else None

    half_life, half_saturation = must("log_half_life", channels), must("log_half_saturation", channels)
    eps = take("eps", channels, geos)
    shape, slope = np.ones((count, channels)), np.ones((count, channels))
    for name, mask, into in (("log_shape", plan.delayed, shape), ("log_slope", plan.sloped, slope)):
        own = take(name, int(mask.sum()))
        if own is not None:
            into[:, mask] = np.exp(own)
    eta, ratio, beta = take("log_eta", 1, 1), take("log_week_ratio"), must("beta", channels)
    effect, linear, sigma = must("effect", channels), must("linear", len(plan.baseline.scale)), must("sigma")
    spread = np.ones((count, channels, geos)) if eps is None or eta is None else 1 + np.exp(eta) * eps
    return Posterior(
        sampled, names, np.exp(half_life), shape, np.exp(half_saturation),
        slope, effect, beta, beta[:, :, None] * spread, linear, sigma,
        np.zeros(count) if ratio is None else np.exp(ratio),
    )  # fmt: skip
