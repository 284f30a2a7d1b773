"""Yesterday's fit with today's rows: re-weighted when that is honest, refitted when it is not, and which one is
recorded.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.mmm import block as blocks
from models.mmm import endogeneity, postfit, prefit
from models.mmm.data import MMMData
from models.mmm.design import IDENTITY_LINK, Design, design
from models.mmm.experiments import calibrate
from models.mmm.fitting import fit_with
from models.mmm.posterior import from_kernel
from models.mmm.result import MMMFit

LEAST_DRAWS = 400.0  # weighted effective draws below which the old draws no longer carry the answer
WORST_TAIL = 0.7  # Pareto k-hat above which importance weights have no usable variance
SURPRISE = 4.0  # standard deviations of a new row that call for a refit, whatever the weights say
KNOTS_STALE = 26  # new periods after which trend knots and season are laid out afresh


def refresh(fit: MMMFit, new_data: MMMData, *, seed: int) -> MMMFit:
    """The fit of `new_data` (all rows, restated ones included), as cheaply as is honest.

    Scaling constants and response form stay frozen, so that the numbers move only because the data did. The last
    decision of the result says `re-weighted …` or `refitted: <reason>`. Raises ValueError if channels, controls or
    geos changed.
    """
    old = fit.data
    same = ("channels", "organic", "geos", "control_names", "control_roles", "treatment_names", "kpi_name", "grain")
    for field in same:
        if getattr(old, field) != getattr(new_data, field):
            raise ValueError(
                f"refresh: {field} changed from {getattr(old, field)} to {getattr(new_data, field)}; that is another"
                " model,"
                " fit it anew"
            )
    added = len(set(new_data.dates) - set(old.dates))
    if fit.engine != "kernel" or not fit.converged:
        return _refit(fit, new_data, "the earlier fit cannot be re-weighted", seed, fresh=False)
    if added > KNOTS_STALE or new_data.dates[0] != old.dates[0]:
        return _refit(fit, new_data, f"the window changed by {added} periods", seed, fresh=True)
    plan = design(new_data, fit.spec, fit.design.form, scales=fit.design.scales)
    weight = np.ones_like(plan.y)
    weight[:, : min(weight.shape[1], fit.design.weight.shape[1])] = fit.design.weight[:, : weight.shape[1]]
    weight[:, fit.design.weight.shape[1] :] = 1 / fit.design.scales.noise[:, None]
    sd = fit.design.effect.sd if len(fit.design.effect.sd) == len(plan.effect.sd) else plan.effect.sd
    plan = replace(plan, weight=weight, effect=replace(plan.effect, sd=sd))
    log_weights, theta = _importance(fit, plan)
    if not np.isfinite(log_weights).any():
        return _refit(fit, new_data, "no earlier draw is possible under the new data", seed, fresh=False)
    weights, k_hat = smooth(log_weights)
    mcmc = float(np.nanmin([fit.checks["ess_bulk"].min(), len(weights)]))
    effective = float(1 / (weights**2).sum()) * min(1.0, mcmc / len(weights))
    if k_hat > WORST_TAIL or effective < LEAST_DRAWS:
        reason = f"the old draws no longer carry the answer ({effective:.0f} effective draws, k-hat {k_hat:.2f})"
        return _refit(fit, new_data, reason, seed, fresh=False)
    pick = _systematic(weights, seed)
    block = blocks.build(plan, calibrate(new_data, plan.media, plan.scales, fit.experiments))
    chosen = theta[pick].reshape(fit.draws.sampled.shape)
    draws = from_kernel(chosen, block, plan, seed=seed)
    steps = (*fit.decisions, f"re-weighted: {added} new periods, {effective:.0f} effective draws, k-hat {k_hat:.2f}")
    done = replace(fit, design=plan, draws=draws, decisions=steps, seed=seed, findings=())
    surprise = _surprise(done, added)
    if surprise > SURPRISE:
        return _refit(fit, new_data, f"a new row lies {surprise:.1f} standard deviations off", seed, fresh=False)
    kept = [w for w in fit.findings if w.code in ("shape_chosen_by_data", "prior_widened", "heavy_tailed_noise")]
    return replace(done, findings=(*prefit.check(plan), *kept, *postfit.check(done), *endogeneity.check(done)))


def smooth(log_weights: np.ndarray) -> tuple[np.ndarray, float]:
    """Pareto-smoothed, normalised importance weights and k-hat. Vehtari et al. (2024), with the fit of Zhang and
    Stephens (2009).
    """
    logs = log_weights - log_weights.max()
    count = logs.size
    tail = int(min(0.2 * count, 3 * np.sqrt(count)))
    order = np.argsort(logs)
    cut = np.exp(logs[order[-tail - 1]])
    excess = np.exp(logs[order[-tail:]]) - cut
    if tail < 5 or excess.max() <= 1e-12:
        weights = np.exp(logs)
        return weights / weights.sum(), -np.inf
    k, scale = _pareto(np.sort(excess))
    p = (np.arange(tail) + 0.5) / tail
    fitted = scale / k * ((1 - p) ** (-k) - 1) if abs(k) > 1e-9 else -scale * np.log1p(-p)
    weights = np.exp(logs)
    weights[order[-tail:]] = np.minimum(cut + fitted, 1.0)
    return weights / weights.sum(), float(k)


def _pareto(x: np.ndarray) -> tuple[float, float]:
    n = x.size
    m = 30 + int(np.sqrt(n))
    quarter = x[int(n / 4 + 0.5) - 1]
    b = 1 / x[-1] + (1 - np.sqrt(m / (np.arange(1, m + 1) - 0.5))) / (3 * max(quarter, 1e-300))
    k = np.log1p(-b[:, None] * x).mean(axis=1)
    profile = n * (np.log(-b / k) - k - 1)
    w = np.exp(profile - profile.max())
    best = float((b * w).sum() / w.sum())
    shape = float(np.log1p(-best * x).mean())
    return (n * shape + 10 * 0.5) / (n + 10), -shape / best  # weakly pulled to one half, as the source does


def _importance(fit: MMMFit, plan: Design) -> tuple[np.ndarray, np.ndarray]:
    """Log weights (D,) of the old draws under the new data, and the draws in the new window's coordinates.

    The effect coordinate is a mean over the window, so the window moves it: each draw keeps its coefficient instead.
    """
    from models.mmm.kernel import core

    old_block = blocks.build(fit.design, calibrate(fit.data, fit.design.media, fit.design.scales, fit.experiments))
    new_block = blocks.build(plan, calibrate(plan.data, plan.media, plan.scales, fit.experiments))
    names = fit.draws.names
    media, width = len(plan.media), len(plan.baseline.scale)
    at = names.index(f"effect[{plan.data.media_names[0]}]")
    theta = fit.draws.sampled.reshape(-1, len(names)).copy()
    out, grad, nothing = np.empty(2 * width + width * width + media), np.empty(len(names)), np.empty(0)
    signed = plan.effect.kind == IDENTITY_LINK
    logs = np.empty(len(theta))
    for d, row in enumerate(theta):
        before = core(row, grad, old_block, nothing)
        core(row, grad, new_block, out)
        ratio = fit.draws.beta[d] / out[-media:]
        row[at : at + media] = np.where(
            signed, row[at : at + media] * ratio, row[at : at + media] + np.log(np.abs(ratio))
        )
        after = core(row, grad, new_block, nothing)
        logs[d] = after - before + np.log(np.abs(ratio[signed])).sum()
    return logs, theta


def _systematic(weights: np.ndarray, seed: int) -> np.ndarray:
    positions = (np.random.default_rng(seed).random() + np.arange(weights.size)) / weights.size
    cumulative = np.cumsum(weights)
    cumulative[-1] = 1.0
    return np.searchsorted(cumulative, positions)


def _surprise(fit: MMMFit, added: int) -> float:
    if not added:
        return 0.0
    plan = fit.design
    gap = (fit.data.kpi - fit.fitted()) / (plan.scales.size[:, None] * plan.scales.kpi) * plan.weight
    common = gap.mean(axis=0)
    return float(np.abs(common[-added:]).max() / common[:-added].std())


def _refit(fit: MMMFit, data: MMMData, reason: str, seed: int, *, fresh: bool) -> MMMFit:
    done = fit_with(
        data, fit.spec, experiments=fit.experiments, seed=seed, scales=None if fresh else fit.design.scales,
        form=fit.design.form,
    )  # fmt: skip
    return replace(done, decisions=(*done.decisions, f"refitted: {reason}"))
