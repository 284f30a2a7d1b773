"""The model in PyMC, written to be read: it defines the meaning of every number; the compiled density is the same
model, computed faster.

    kpi / (size * scale) = baseline + sum over channels of  b * saturation(carryover(media / size))  + week + noise

Carryover is by half-life, saturation by the media level of half effect, and the prior is not of the coefficient b but
of money: the channel's contribution over the window. All linear weights are Normal; regions share one
response and differ around it. Reach saturates in its frequency; a series measured with error has unknown true values;
a mediator has an equation of its own, and what media sent through it is part of b.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from models.mmm.engine.parameters import ETA_PRIOR, NOISE_SCALE, WEEK_PRIOR
from models.mmm.engine.pymc_marginal import log_density, mirror_of
from models.mmm.model.baseline import GROUP_SPREAD
from models.mmm.model.build import media_divisor
from models.mmm.model.design import Design
from models.mmm.model.effect_prior import LOG_LINK, STEP
from models.mmm.model.lift_tests import Calibration

PASSED_ON_SD = 0.5  # KPI that a mediator's usual volume brings, in usual KPI periods: anything from none to all
SENT_SD = 0.3  # part of a mediator's usual volume that one channel sends
DEGREES_OF_FREEDOM = 4.0  # Student-t noise: one week in a hundred may be an outlier without affecting the rest


def carryover(media: Any, half_life: Any, shape: Any, taps: int, peaked: np.ndarray | None = None) -> Any:
    """Media (C, G, T) spread over the periods after it; waiting times are Weibull, geometric when shape is 1.

    Series in `peaked` have a bell around lag `shape` instead, half as high `half_life` periods away from it.
    """
    import pytensor.tensor as pt

    lags = np.arange(taps + 1)[:, None]
    still_to_come = pt.exp(-np.log(2) * (lags / half_life) ** shape)
    weights = still_to_come[:-1] - still_to_come[1:]
    if peaked is not None and peaked.any():
        weights = pt.where(peaked, pt.exp(-np.log(2) * ((lags[:-1] - shape) / half_life) ** 2), weights)
    weights = weights / weights.sum(axis=0)
    media = pt.as_tensor_variable(media)
    before = pt.zeros((*media.shape[:2], taps - 1))
    at = taps - 1 + np.arange(media.type.shape[2])[None, :] - np.arange(taps)[:, None]
    earlier = pt.concatenate([before, media], axis=2)[:, :, at]  # (C, G, lag, T); never across regions
    return (weights.T[:, None, :, None] * earlier).sum(axis=2)


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


def reference_model(design: Design, tests: Calibration, *, likelihood: str = "normal", marginal: bool = False) -> Any:
    """The PyMC model of `design`, with the lift of every test compared with the model's own.

    `marginal` integrates the linear weights and the weekly shocks out (Normal noise only): the same posterior of the
    rest, with fewer unknowns.
    """
    import pymc as pm
    import pytensor.tensor as pt

    spec, form = design.spec, design.form
    channels = len(design.media)
    geos, periods = design.y.shape
    groups = design.baseline.groups
    with pm.Model() as model:
        # how each channel's effect spreads over time and flattens with spend
        log_half_life = pm.Normal("log_half_life", design.half_life[:, 0], design.half_life[:, 1], shape=channels)
        shape = slope = pt.ones(channels)
        peaked, reach = design.peaked, design.data.by_frequency
        if peaked.any():
            own = pm.Normal("log_peak", design.peak[peaked, 0], design.peak[peaked, 1], shape=int(peaked.sum()))
            shape = pt.set_subtensor(shape[np.flatnonzero(peaked)], pt.exp(own))
        if design.delayed.any():
            own = pm.Normal("log_shape", spec.delay_shape.mu, spec.delay_shape.sigma, shape=int(design.delayed.sum()))
            shape = pt.set_subtensor(shape[np.flatnonzero(design.delayed)], pt.exp(own))
        half = design.half_saturation
        log_half_saturation = pm.Normal("log_half_saturation", half[:, 0], half[:, 1], shape=channels)
        if design.sloped.any():
            own = pm.Normal("log_slope", spec.slope.mu, spec.slope.sigma, shape=int(design.sloped.sum()))
            slope = pt.set_subtensor(slope[np.flatnonzero(design.sloped)], pt.exp(own))

        if reach.any():
            law = spec.frequency_slope
            own = pm.Normal("log_frequency_slope", law.mu, law.sigma, shape=int(reach.sum()))
            slope = pt.set_subtensor(slope[np.flatnonzero(reach)], pt.exp(own))
        true = _true_media(design) if design.latent and spec.measurement == "latent" else None

        def response(media: np.ndarray) -> Any:
            half_effect, by_frequency = pt.exp(log_half_saturation), reach[:, None, None]
            level: Any = media
            if true is not None:
                level = true * np.where(design.media > 1e-12, media / np.maximum(design.media, 1e-12), 1.0)
            if reach.any():
                often = saturation("hill", pt.as_tensor_variable(np.asarray(design.frequency)), half_effect, slope)
                level = pt.where(by_frequency, level * often, level)
            if spec.order == "saturation_first":
                flat = pt.where(by_frequency, level, saturation(form.saturation, level, half_effect, slope))
                return carryover(flat, pt.exp(log_half_life), shape, form.taps, peaked)
            level = carryover(level, pt.exp(log_half_life), shape, form.taps, peaked)
            return pt.where(by_frequency, level, saturation(form.saturation, level, half_effect, slope))

        # the mean contribution has the prior and is sampled; the coefficient follows from it
        own_mu = design.effect.mu if design.effect.own_mu is None else design.effect.own_mu
        own_sd = design.effect.sd if design.effect.own_sd is None else design.effect.own_sd
        effect = pm.Normal("effect", own_mu, own_sd, shape=channels)
        contribution = pt.switch(design.effect.kind == LOG_LINK, pt.exp(effect), effect)
        reached = response(design.media)

        def mean_of(values: Any) -> Any:
            return (values * design.scales.size[None, :, None]).sum(axis=(1, 2)) / design.cells

        mean_response = mean_of(reached)
        basis = np.array(design.effect.basis)
        if (basis == "mroas").any():  # prior and sampled quantity are what the next 1 % adds
            more = mean_of(response(design.media * (1 + STEP))) - mean_response
            contribution = pt.where(basis == "mroas", contribution * mean_response / more, contribution)
        contribution = pt.where(basis == "coefficient", contribution * mean_response, contribution)
        pm.Deterministic("strength", contribution)
        beta = pm.Deterministic("beta", contribution / mean_response)
        by_geo = beta[:, None] * pt.ones((channels, geos))
        if design.geo_effects:
            eta = pt.exp(pm.Normal("log_eta", *ETA_PRIOR))
            by_geo = by_geo * (1 + eta * pm.Normal("eps", 0.0, 1.0, shape=(channels, geos)))

        # what would happen without media; how far each group of columns may move is learned
        log_spread = pm.Normal(
            "log_spread",
            [np.log(GROUP_SPREAD[g][0]) for g in groups],
            [GROUP_SPREAD[g][1] for g in groups],
            shape=len(groups),
        )
        spread = pt.concatenate([pt.exp(log_spread), pt.ones(1)])[design.baseline.group]  # -1 picks the fixed one
        media = (by_geo[:, :, None] * reached).sum(axis=0)
        if design.mediators is not None:  # b is the total effect; the mediator's own part comes on top
            passed_on = pm.Normal("passed_on", 0.0, PASSED_ON_SD, shape=len(design.mediators))
            per_mean = reached / mean_response[:, None, None]
            media = media + _mediators(design, per_mean, mean_response, passed_on, marginal=marginal)
        sigma = pm.HalfNormal("sigma", NOISE_SCALE * design.scales.baseline.movement)
        ratio: Any = 0.0
        if design.week_effects:  # shocks that hit all regions in the same week
            ratio = pt.exp(pm.Normal("log_week_ratio", *WEEK_PRIOR))
        if marginal:
            pm.Potential(
                "kpi",
                log_density(
                    design.y,
                    media,
                    design.baseline.columns,
                    design.baseline.scale * spread,
                    sigma,
                    weight=design.weight,
                    mirror=mirror_of(design) if design.week_effects else None,
                    damp=1 / pt.sqrt(1 + ratio),
                ),
            )
        else:
            weights = pm.Normal("linear_z", 0.0, 1.0, shape=len(design.baseline.scale)) * design.baseline.scale * spread
            pm.Deterministic("linear", weights)
            expected = pt.tensordot(weights, design.baseline.columns, axes=1) + media
            if design.week_effects:
                shock = pm.Normal("week_z", 0.0, 1.0, shape=periods)
                expected = expected + shock * sigma * pt.sqrt(ratio / (design.weight**2).sum(axis=0))
            if likelihood == "student_t":
                pm.StudentT("kpi", nu=DEGREES_OF_FREEDOM, mu=expected, sigma=sigma / design.weight, observed=design.y)
            else:
                pm.Normal("kpi", expected, sigma / design.weight, observed=design.y)

        for number, (value, se, tail) in enumerate(tests.values):
            lift = pt.zeros(())
            for pair in np.flatnonzero(tests.pairs[:, 0] == number):
                c, observed_path = int(tests.pairs[pair, 1]), tests.pairs[pair, 2]
                control = np.zeros_like(design.media)
                control[c] = tests.control_media[pair]
                gap = observed_path * reached[c] - response(control)[c]
                lift = lift + (tests.weights[pair] * by_geo[c][:, None] * gap).sum()
            if tail:
                pm.StudentT(f"test_{number}", nu=tail, mu=lift, sigma=se, observed=value)
            else:
                pm.Normal(f"test_{number}", lift, se, observed=value)
    return model


def _true_media(design: Design) -> Any:
    """Media (C, G, T) with unknown true values in the place of measured ones; inside a model context."""
    import pymc as pm
    import pytensor.tensor as pt

    divisor = media_divisor(design.data, design.scales.size)
    media = pt.as_tensor_variable(design.media)
    true = []
    for number, one in enumerate(design.latent):
        c = one.channel
        unit = (1 / divisor[:, 0, c] / design.scales.media[c])[:, None]
        z = pm.Normal(f"latent_z_{number}", 0.0, 1.0, shape=(1 if one.shared else len(one.mean), one.mean.shape[1]))
        moved = pt.stack([pt.dot(one.factor[g], z[0 if one.shared else g]) for g in range(len(one.mean))])
        true.append(pt.maximum((one.mean + moved) * unit, 1e-9))
        media = pt.set_subtensor(media[c], true[-1])
    pm.Deterministic("latent", pt.stack(true))
    return media


def _mediators(design: Design, per_mean: Any, mean_response: Any, passed_on: Any, *, marginal: bool) -> Any:
    """The mediators' own equations, and their KPI (G, T) beyond media's part; inside a model context.

    `per_mean` (C, G, T) is each response over its mean. A mediator is its own baseline, on the KPI's columns, plus what
    channels send to it, in parts of its usual volume.
    """
    import pymc as pm
    import pytensor.tensor as pt

    assert design.mediators is not None
    assert design.data.mediator_paths is not None
    base = design.baseline
    level = np.array([part == "baseline" for part in base.component])
    beyond: Any = 0.0
    mediated = []
    for m, series in enumerate(design.mediators):
        moves = max(float((series - series.mean(axis=1, keepdims=True)).std()), 1e-3)
        paths = np.flatnonzero(design.data.mediator_paths[m])
        sent = pm.Normal(f"sent_{m}", 0.0, SENT_SD, shape=len(paths))
        brought = (sent[:, None, None] * per_mean[paths]).sum(axis=0)
        log_spread = pm.Normal(
            f"log_spread_{m}",
            [np.log(GROUP_SPREAD[g][0]) for g in base.groups],
            [GROUP_SPREAD[g][1] for g in base.groups],
            shape=len(base.groups),
        )
        spread = pt.concatenate([pt.exp(log_spread), pt.ones(1)])[base.group]
        scale = np.where(level, base.scale, base.scale * moves / design.scales.baseline.movement)
        noise = pm.HalfNormal(f"sigma_{m}", NOISE_SCALE * moves)
        if marginal:
            density = log_density(series, 1.0 + brought, base.columns, scale * spread, noise)
            pm.Potential(f"mediator_{m}", density)
        else:
            weights = pm.Normal(f"mediator_z_{m}", 0.0, 1.0, shape=len(scale)) * scale * spread
            own = pt.tensordot(weights, base.columns, axes=1)
            pm.Normal(f"mediator_{m}", 1.0 + own + brought, noise, observed=series)
        beyond = beyond + passed_on[m] * (series - 1.0 - brought)
        mediated.append(
            pt.set_subtensor(pt.zeros(len(design.media))[paths], passed_on[m] * sent / mean_response[paths])
        )
    pm.Deterministic("mediated", pt.stack(mediated))
    return beyond
