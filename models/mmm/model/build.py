"""Data and spec turned into the scaled arrays that both engines read; the scales are frozen here, once per fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import log

import numpy as np

from models.mmm.model import baseline as base
from models.mmm.model.design import Design, Form, Scales, channel_prior
from models.mmm.model.effect_prior import NOT_WIDENED, effect_prior
from models.mmm.model.implied_prior import implied
from models.mmm.model.measurement_error import TrueSeries, true_series
from models.mmm.model.spend_spikes import without_spikes
from models.mmm.panel.error import MMMError
from models.mmm.panel.panel import MMMData
from models.mmm.spec import LogNormal, MMMSpec
from models.periods import PERIODS_PER_WEEK, year_phase
from models.warning import Warning

NO_CARRYOVER = LogNormal.with_median(0.1, 0.1)  # weeks: a share or an index is a state and carries nothing over


def design(
    data: MMMData,
    spec: MMMSpec,
    form: Form,
    *,
    scales: Scales | None = None,
    widening: Mapping[str, float] = NOT_WIDENED,
) -> Design:
    """Everything an engine needs, under new or given (frozen) scales; `widening`: see `effect_prior`."""
    findings: list[Warning] = []
    unknown = sorted(set(spec.channels) - set(data.media_names))
    if unknown:
        raise MMMError(f"spec.channels names {unknown[0]!r}; the data have {', '.join(data.media_names)}")
    findings += _steps_outside(data, spec)
    media, spikes = without_spikes(data, spec)
    findings += spikes
    latent = _measured(data)
    for one in latent:
        media[:, :, one.channel] = one.mean
    scales = scales or freeze(data, spec, media)
    outcome = data.kpi / (scales.size[:, None] * scales.kpi)
    scaled = np.ascontiguousarray(np.moveaxis(media / media_divisor(data, scales.size) / scales.media, 2, 0))
    linear = with_hidden_demand(base.build(data, spec, scales.baseline), scaled, data.media_names, form, scales)
    many = len(data.geos) > 1
    weeks = log(PERIODS_PER_WEEK[data.grain])
    halves = [channel_prior(spec, c, "half_life", NO_CARRYOVER if c in data.levels else None) for c in data.media_names]
    bends = [
        channel_prior(spec, c, "half_saturation", spec.frequency_half if reached else None)
        for c, reached in zip(data.media_names, data.by_frequency, strict=True)
    ]
    unit = scales.kpi * data.kpi.size
    effect, notes = effect_prior(data, spec, unit, widening)
    findings += notes
    between = None
    if data.mediators is not None:
        usual = np.array([scales.baseline.centres[name] for name in data.mediator_names])
        between = np.moveaxis(data.mediators / scales.size[:, None, None] / usual, 2, 0)
    built = Design(
        data=data,
        spec=spec,
        form=form,
        scales=scales,
        y=outcome,
        media=scaled,
        weight=np.repeat(1 / scales.noise[:, None], len(data.dates), axis=1),
        baseline=linear,
        effect=effect,
        half_life=np.array([[p.mu + weeks, p.sigma] for p in halves]),
        half_saturation=np.array([[p.mu, p.sigma] for p in bends]),
        geo_effects=many and spec.geo_effects,
        week_effects=many,
        findings=tuple(findings),
        frequency=None if data.frequency is None else np.moveaxis(data.frequency, 2, 0),
        latent=latent,
        mediators=between,
    )
    if not set(effect.basis) & {"mroas", "coefficient"}:
        return built
    return replace(built, effect=implied(built))


def media_divisor(data: MMMData, size: np.ndarray) -> np.ndarray:
    """What media (G, T, C) are divided by, (G, 1, C): the region's size, or 1 for levels such as a share."""
    state = np.array([c in data.levels for c in data.media_names])
    return np.where(state[None, None, :], 1.0, size[:, None, None])


def _steps_outside(data: MMMData, spec: MMMSpec) -> list[Warning]:
    return [
        Warning(
            "change_point_outside_data",
            "low",
            str(date),
            f"The declared change on {date} is outside the data ({data.dates[0]} to {data.dates[-1]}), so it has no"
            " effect.",
            "Check the date in MMMSpec.change_points.",
        )
        for date in spec.change_points
        if not data.dates[0] < date <= data.dates[-1]
    ]


def _measured(data: MMMData) -> tuple[TrueSeries, ...]:
    if data.media_se is None:
        return ()
    inexact = [c for c in range(data.media.shape[2]) if (data.media_se[:, :, c] > 0).any()]
    return tuple(true_series(c, data.media[:, :, c], data.media_se[:, :, c]) for c in inexact)


def with_hidden_demand(
    linear: base.Baseline, media: np.ndarray, names: tuple[str, ...], form: Form, scales: Scales
) -> base.Baseline:
    """The baseline with one more column per channel of `form.hidden`: demand that moves with its spend."""
    if not form.hidden:
        return linear
    moved = [media[names.index(c)] - media[names.index(c)].mean(axis=1, keepdims=True) for c in form.hidden]
    return base.Baseline(
        names=linear.names + tuple(f"demand_behind_{c}" for c in form.hidden),
        component=linear.component + ("hidden demand",) * len(form.hidden),
        columns=np.concatenate([linear.columns, np.stack(moved)]),
        scale=np.concatenate([linear.scale, np.full(len(form.hidden), 3.0 * scales.baseline.movement)]),
        group=np.concatenate([linear.group, np.full(len(form.hidden), base.FIXED)]),
        groups=linear.groups,
    )


def freeze(data: MMMData, spec: MMMSpec, media: np.ndarray) -> Scales:
    """Robust scales of the first fit: mean absolute KPI, mean of active media periods, noise of each geo."""
    size = _sizes(data, spec)
    per_size = data.kpi / size[:, None]
    kpi = float(np.abs(per_size).mean())
    scaled = per_size / kpi
    residual, moved = _simple_residual(data, scaled)
    noise = np.sqrt((residual**2).mean(axis=1))
    noise = np.clip(noise / np.median(noise), 0.3, 3.0) if noise.size > 1 else np.ones(1)
    x = media / media_divisor(data, size)
    typical = np.array([x[:, :, c][x[:, :, c] > 0].mean() for c in range(x.shape[2])])
    constants = base.freeze(data, spec, max(moved, 0.01))
    if data.mediators is not None:
        usual = (data.mediators / size[:, None, None]).mean(axis=(0, 1))
        constants = replace(constants, centres=dict(zip(data.mediator_names, map(float, usual), strict=True)))
    return Scales(kpi, size, typical, noise, constants)


def _sizes(data: MMMData, spec: MMMSpec) -> np.ndarray:
    count = len(data.geos)
    if count == 1 or spec.size_scaling == "none":
        return np.ones(count)
    level = np.abs(data.kpi).mean(axis=1)
    if spec.size_scaling == "population" or (spec.size_scaling == "auto" and data.population is not None):
        if data.population is None:
            raise MMMError("size_scaling='population' but no population column was given to MMMData.from_frame")
        return np.asarray(data.population / data.population.mean())
    spend = data.spend.sum(axis=(1, 2))
    vary = spend.min() > 0 and np.ptp(spend) > 0 and np.ptp(level) > 0
    follows = count >= 3 and vary and np.corrcoef(np.log(spend), np.log(level))[0, 1] > 0.5
    return np.asarray(level / level.mean()) if spec.size_scaling == "kpi" or follows else np.ones(count)


def _simple_residual(data: MMMData, y: np.ndarray) -> tuple[np.ndarray, float]:
    """KPI less level, slope and two harmonics per geo, and the sd of the KPI's movement around its geo level."""
    phase, t = year_phase(data.dates), np.linspace(-1, 1, len(data.dates))
    waves = [f(2 * np.pi * k * phase) for k in (1, 2) for f in (np.sin, np.cos)]
    x = np.stack([np.ones_like(t), t, *waves], axis=1)
    fitted = (x @ np.linalg.lstsq(x, y.T, rcond=None)[0]).T
    around = y - y.mean(axis=1, keepdims=True)
    return y - fitted, float(around.std())
