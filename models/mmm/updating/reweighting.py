"""Importance weights of a fit's draws under new and restated rows, without fitting again.

For models of one region with Normal noise and no tests in the likelihood. The linear part is integrated out, so the
weights stay even for longer than those of joint draws would. All other models are weighted in `transport`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from models.importance import plain, surprise
from models.mmm.engine import layout
from models.mmm.engine.parameters import CURVES, NOISE_SCALE
from models.mmm.model.baseline import GROUP_SPREAD
from models.mmm.model.design import Design
from models.mmm.model.effect_prior import IDENTITY_LINK
from models.mmm.model.lift_tests import Calibration
from models.mmm.panel.panel import MMMData
from models.mmm.result.fit import MMMFit
from models.mmm.result.posterior import Posterior

SAME_DENSITY = 1e-6  # nats by which this module's density may differ from the compiled one, from draw to draw


@dataclass(frozen=True, eq=False)
class Carried:
    """The draws (D) of a fit after some rows: log weights, and the linear part's posterior given each draw.

    mean (D, P), cov (D, lower triangle) and one joint draw `linear` (D, P) of the linear part; sums (D, C) of the
    responses; `surprises` are the standardised forecast errors of the rows that came after the fit.
    """

    draws: Posterior
    design: Design
    start: np.ndarray
    logs: np.ndarray
    mean: np.ndarray
    cov: np.ndarray
    linear: np.ndarray
    sums: np.ndarray
    surprises: tuple[float, ...] = ()

    @property
    def log_weights(self) -> np.ndarray:
        """Log importance weights (D,) of the draws, up to a constant."""
        return self.logs + _effect_prior(self.design, self.draws.beta, self.sums) - self.start

    def posterior(self) -> Posterior:
        """The draws in the coordinates of the present window, not yet weighted."""
        level = self.draws.beta * self.sums / self.design.cells
        signed = self.design.effect.kind == IDENTITY_LINK
        effect = np.where(signed, level, np.log(np.where(signed, 1.0, level)))
        sampled = self.draws.sampled.copy()
        at = self.draws.names.index(f"effect[{self.design.data.media_names[0]}]")
        sampled[:, :, at : at + effect.shape[1]] = effect.reshape(*sampled.shape[:2], -1)
        return replace(self.draws, sampled=sampled, effect=effect, linear=self.linear)


def carries(data: MMMData) -> str:
    """Empty where a model of `data` can be updated row by row; otherwise the reason why not."""
    if len(data.geos) > 1:
        return "a model of several regions is judged as a whole"
    if data.mediator_names or data.frequency is not None:
        return "mediated and frequency series are sampled together with the rest"
    return ""


def begin(fit: MMMFit) -> Carried | None:
    """The fit's draws ready to be carried on; None for a model that only the compiled density can judge."""
    design = fit.design
    if carries(design.data) or fit.experiments or fit.engine != "kernel":
        return None
    logs, mean, cov, sums = _condition(design, fit.draws)
    start = logs + _effect_prior(design, fit.draws.beta, sums)
    if not _agrees(design, fit.draws, start):
        return None
    return Carried(fit.draws, design, start, logs, mean, cov, fit.draws.linear, sums)


def carry(past: Carried, design: Design, *, seed: int) -> Carried:
    """The same draws under `design` with all rows: changed rows are evaluated again, new ones added one by one."""
    from models.mmm.engine import row_update as kernel

    earlier_periods = past.design.y.shape[1]
    rng = np.random.default_rng(seed)
    if _rows_equal(past.design, design, earlier_periods):
        logs, mean, linear, sums = (a.copy() for a in (past.logs, past.mean, past.linear, past.sums))
        cov = past.cov
    else:
        logs, mean, cov, sums = _condition(_first_rows(design, earlier_periods), past.draws)
        linear = mean + np.einsum("dij,dj->di", np.linalg.cholesky(_whole(cov)), rng.normal(size=mean.shape))
    draws = past.draws
    responses = _responses(design, draws, earlier_periods)
    expected, variance = np.empty(len(logs)), np.empty(len(logs))
    surprises = list(past.surprises)
    base = _effect_prior(past.design, draws.beta, past.sums) - past.start
    after = np.empty_like(cov) if responses else cov
    for t, response in enumerate(responses, start=earlier_periods):
        weight = float(design.weight[0, t])
        before = plain(logs + base)
        kernel.absorb(
            np.ascontiguousarray(design.baseline.columns[:, 0, t]) * weight,
            float(design.y[0, t]) * weight,
            weight,
            response,
            draws.beta,
            draws.sigma,
            rng.normal(size=len(logs)),
            cov,
            logs,
            mean,
            linear,
            after,
            expected,
            variance,
        )
        cov = after
        sums += response
        surprises.append(surprise(float(design.y[0, t]) * weight, expected, variance, before))
    return replace(
        past, design=design, logs=logs, mean=mean, cov=cov, linear=linear, sums=sums, surprises=tuple(surprises)
    )


def _condition(design: Design, draws: Posterior) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    from models.mmm.engine import row_update as kernel

    count, width = draws.count, len(design.baseline.scale)
    columns = np.ascontiguousarray(design.baseline.columns[:, 0, :] * design.weight[0])
    logs, mean = np.empty(count), np.empty((count, width))
    cov, sums = np.empty((count, width * (width + 1) // 2)), np.empty((count, len(design.media)))
    kernel.condition(
        np.ascontiguousarray(design.media[:, 0, :]),
        np.ascontiguousarray(design.y[0]),
        np.ascontiguousarray(design.weight[0]),
        columns,
        columns @ columns.T,
        _spread(design, draws),
        draws.sigma,
        design.delayed,
        design.sloped,
        CURVES[design.form.saturation],
        design.form.taps,
        *_response_parameters(draws),
        np.ascontiguousarray(draws.beta),
        logs,
        mean,
        cov,
        sums,
    )
    return logs, mean, cov, sums


def _responses(design: Design, draws: Posterior, earlier_periods: int) -> list[np.ndarray]:
    from models.mmm.engine import row_update as kernel

    x = np.ascontiguousarray(design.media[:, 0, :])
    added = x.shape[1] - earlier_periods
    curve, taps = CURVES[design.form.saturation], design.form.taps
    half_life, shape, half_saturation, slope = _response_parameters(draws)
    if not added:
        return []
    if design.delayed.any():
        out = np.empty((draws.count, len(x), added))
        kernel.late_responses(
            x,
            earlier_periods,
            design.delayed,
            design.sloped,
            curve,
            taps,
            half_life,
            shape,
            half_saturation,
            slope,
            out,
        )
        return [np.ascontiguousarray(out[:, :, i]) for i in range(added)]
    padded = np.hstack([np.zeros((len(x), taps)), x])
    responses = []
    for t in range(earlier_periods, earlier_periods + added):
        now = np.empty((draws.count, len(x)))
        window = np.ascontiguousarray(padded[:, t + 1 : t + 1 + taps])
        kernel.latest_response(window, design.sloped, curve, half_life, half_saturation, slope, now)
        responses.append(now)
    return responses


def _response_parameters(draws: Posterior) -> tuple[np.ndarray, ...]:
    return tuple(np.ascontiguousarray(a) for a in (draws.half_life, draws.shape, draws.half_saturation, draws.slope))


def _spread(design: Design, draws: Posterior) -> np.ndarray:
    """Prior sd (D, P) of the linear part, with the learned spread of each group."""
    groups = design.baseline.groups
    out = np.tile(design.baseline.scale, (draws.count, 1))
    if groups:
        at = draws.names.index(f"log_spread[{groups[0]}]")
        learned = np.exp(draws.sampled.reshape(draws.count, -1)[:, at : at + len(groups)])
        grouped = design.baseline.group >= 0
        out[:, grouped] *= learned[:, design.baseline.group[grouped]]
    return out


def _whole(triangles: np.ndarray) -> np.ndarray:
    """Symmetric matrices (D, P, P) from their lower triangles, stored row by row."""
    width = int(np.sqrt(2 * triangles.shape[1]))
    rows, columns = np.tril_indices(width)
    out = np.empty((len(triangles), width, width))
    out[:, rows, columns] = triangles
    out[:, columns, rows] = triangles
    return out


def _effect_prior(design: Design, beta: np.ndarray, sums: np.ndarray) -> np.ndarray:
    """Log density (D,) of the coefficients; the prior is of the mean contribution over the window, which changes."""
    level = sums / design.cells
    signed = design.effect.kind == IDENTITY_LINK
    with np.errstate(divide="ignore", invalid="ignore"):
        u = np.where(signed, beta * level, np.log(np.where(signed, 1.0, beta * level)))
        z = (u - design.effect.mu) / design.effect.sd
        return np.asarray((-0.5 * z**2 + np.where(signed, np.log(level), 0.0)).sum(axis=1))


def _rows_equal(old: Design, new: Design, earlier_periods: int) -> bool:
    pairs = (
        (old.y, new.y),
        (old.media, new.media),
        (old.weight, new.weight),
        (old.baseline.columns, new.baseline.columns),
    )
    return all(np.array_equal(a, b[..., :earlier_periods]) for a, b in pairs)


def _first_rows(design: Design, count: int) -> Design:
    baseline = replace(design.baseline, columns=design.baseline.columns[..., :count])
    return replace(
        design,
        y=design.y[:, :count],
        media=design.media[..., :count],
        weight=design.weight[:, :count],
        baseline=baseline,
    )


def _agrees(design: Design, draws: Posterior, target: np.ndarray) -> bool:
    """Whether this density and the compiled one differ by a constant only, at three draws."""
    from models.mmm.engine.log_density import core

    block = layout.build(design, Calibration.none(*design.y.shape))
    grad, nothing = np.empty(len(draws.names)), np.empty(0)
    flat = draws.sampled.reshape(draws.count, -1)
    checked = np.linspace(0, draws.count - 1, 3).round().astype(int)
    rest = [
        core(np.ascontiguousarray(flat[d]), grad, block, nothing)
        - target[d]
        - _other_priors(design, draws, flat, int(d))
        for d in checked
    ]
    return bool(np.ptp(rest) < SAME_DENSITY * (1 + np.abs(target[checked]).max()))


def _other_priors(design: Design, draws: Posterior, flat: np.ndarray, d: int) -> float:
    """Log prior, up to a constant, of everything but the effects at draw `d`; it does not depend on the rows."""

    def normal(value: np.ndarray, mean: np.ndarray | float, sd: np.ndarray | float) -> float:
        return float((-0.5 * ((value - mean) / sd) ** 2).sum())

    spec = design.spec
    sigma = draws.sigma[d]
    total = normal(np.log(draws.half_life[d]), design.half_life[:, 0], design.half_life[:, 1])
    total += normal(np.log(draws.half_saturation[d]), design.half_saturation[:, 0], design.half_saturation[:, 1])
    total += normal(np.log(draws.shape[d][design.delayed]), spec.delay_shape.mu, spec.delay_shape.sigma)
    total += normal(np.log(draws.slope[d][design.sloped]), spec.slope.mu, spec.slope.sigma)
    total += normal(sigma, 0.0, NOISE_SCALE * design.scales.baseline.movement) + np.log(sigma)
    for group in design.baseline.groups:
        middle, wide = GROUP_SPREAD[group]
        total += normal(flat[d, draws.names.index(f"log_spread[{group}]")], np.log(middle), wide)
    return total
