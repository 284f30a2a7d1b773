"""Yesterday's fit with today's rows: re-weighted when that is honest, refitted when it is not, and which one is
recorded.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np

from models.mmm import block as blocks
from models.mmm import importance, sequential
from models.mmm.calendar import PERIODS_PER_WEEK
from models.mmm.data import MMMData
from models.mmm.design import IDENTITY_LINK, Design, design
from models.mmm.experiments import calibrate
from models.mmm.posterior import Posterior, from_kernel
from models.mmm.refitting import LASTING, cold, warm
from models.mmm.refreshed import Refreshed
from models.mmm.result import MMMFit

LEAST_DRAWS = 400.0  # weighted effective draws below which the old draws no longer carry the answer
WORST_TAIL = 0.7  # Pareto k-hat above which importance weights have no usable variance
SURPRISE = 4.0  # standard deviations of one new row that call for a refit, whatever the weights say
DRIFT, SLACK = 5.0, 0.75  # cumulative sum of surprises that calls for one, and what each may be off for nothing
STALE_WEEKS = 26  # new weeks after which trend knots and season are laid out afresh


def refresh(fit: MMMFit, new_data: MMMData, *, seed: int) -> MMMFit:
    """The fit of `new_data` (all rows, restated ones included), as cheaply as is honest.

    Scaling constants and response form stay frozen while draws are re-weighted or resampled from where they were, so
    that numbers move only because the data did. The result's last decision says the path and why; `Refreshed.path`
    and `.reason` hold the same. Weights always count from the last sampled fit, however many refreshes lie between.
    Raises ValueError if channels, controls or geos changed.
    """
    refuse_another_model(fit.data, new_data)
    origin = fit.origin if isinstance(fit, Refreshed) and fit.origin else fit
    added = len(set(new_data.dates) - set(origin.data.dates))
    if origin.engine != "kernel" or not origin.converged:
        return _refitted(cold(origin, new_data, seed=seed, fresh=False), "the earlier fit cannot be re-weighted")
    if new_data.dates[: len(origin.data.dates)] != origin.data.dates:
        return _refitted(cold(origin, new_data, seed=seed, fresh=True), "the window no longer begins and goes on alike")
    if added > STALE_WEEKS * PERIODS_PER_WEEK[new_data.grain]:
        reason = f"{added} periods are new since the last full fit"
        return _refitted(cold(origin, new_data, seed=seed, fresh=True), reason)
    plan = extended(origin, new_data)
    carried = _carried(fit, origin)
    if carried is not None:
        carried = sequential.carry(carried, plan, seed=seed)
        logs, draws, surprises = carried.log_weights, carried.posterior(), carried.surprises
    else:
        logs, draws = _by_density(origin, plan, seed)
        surprises = ()
    if not np.isfinite(logs).any():
        return _refitted(warm(origin, None, plan, seed=seed), "no earlier draw is possible under the new data")
    weights, k_hat = importance.smooth(logs)
    left = importance.effective(weights, float(np.nanmin(origin.checks["ess_bulk"].to_numpy())))
    weighted = draws.reweighted(weights, seed)
    if not surprises:
        surprises = _residual_surprises(plan, weighted, added)
    alarm = _alarm(surprises)
    if alarm:
        return _refitted(cold(origin, new_data, seed=seed, fresh=True), alarm)
    if k_hat > WORST_TAIL or left < LEAST_DRAWS:
        reason = f"the old draws no longer carry the answer ({left:.0f} effective draws, k-hat {k_hat:.2f})"
        return _refitted(warm(origin, weighted, plan, seed=seed), reason)
    reason = f"{added} new periods, {left:.0f} effective draws, k-hat {k_hat:.2f}"
    inherited = tuple(w for w in origin.findings if w.code in LASTING)
    parts: dict[str, Any] = {f.name: getattr(origin, f.name) for f in fields(MMMFit)}
    parts |= {"design": plan, "draws": weighted, "findings": inherited, "seed": seed}
    parts["decisions"] = (*origin.decisions, f"re-weighted: {reason}")
    return Refreshed(**parts, origin=origin, carried=carried, path="re-weighted", reason=reason)


def extended(fit: MMMFit, data: MMMData) -> Design:
    """The fit's design over the rows of `data`: same scales, form, beliefs' width and weights of known rows."""
    plan = design(data, fit.spec, fit.design.form, scales=fit.design.scales)
    weight = plan.weight.copy()
    known = fit.design.weight.shape[1]
    weight[:, :known] = fit.design.weight
    return replace(plan, weight=weight, effect=replace(plan.effect, sd=fit.design.effect.sd))


def refuse_another_model(old: MMMData, new: MMMData) -> None:
    """Raises ValueError where the two panels differ in more than rows and values."""
    for field in ("channels", "organic", "geos", "control_names", "control_roles", "treatment_names", "kpi_name",
                  "grain"):  # fmt: skip
        if getattr(old, field) != getattr(new, field):
            raise ValueError(
                f"refresh: {field} changed from {getattr(old, field)} to {getattr(new, field)}; that is another model,"
                " fit it anew"
            )


def _carried(fit: MMMFit, origin: MMMFit) -> sequential.Carried | None:
    """What was carried so far; worked out once per sampled fit and kept beside it."""
    if isinstance(fit, Refreshed) and fit.carried is not None:
        return fit.carried
    if "from_here" not in origin.__dict__:
        origin.__dict__["from_here"] = sequential.begin(origin)
    found: sequential.Carried | None = origin.__dict__["from_here"]
    return found


def _alarm(surprises: tuple[float, ...]) -> str:
    if not surprises:
        return ""
    worst = max(surprises, key=abs)
    if abs(worst) > SURPRISE:
        return f"a new row lies {abs(worst):.1f} standard deviations off its forecast"
    total = importance.drift(surprises, SLACK)
    if total > DRIFT:
        return f"new rows lie off their forecasts to one side (cumulative sum {total:.1f}): the level has changed"
    return ""


def _by_density(origin: MMMFit, plan: Design, seed: int) -> tuple[np.ndarray, Posterior]:
    """Log weights (D,) of the draws under the new data by the whole compiled density, and the draws in its window.

    The effect coordinate is a mean over the window, so the window moves it: each draw keeps its coefficient instead.
    """
    from models.mmm.kernel import core

    before = blocks.build(
        origin.design, calibrate(origin.data, origin.design.media, origin.design.scales, origin.experiments)
    )
    after = blocks.build(plan, calibrate(plan.data, plan.media, plan.scales, origin.experiments))
    names = origin.draws.names
    media, width = len(plan.media), len(plan.baseline.scale)
    at = names.index(f"effect[{plan.data.media_names[0]}]")
    theta = origin.draws.sampled.reshape(-1, len(names)).copy()
    out, grad, nothing = np.empty(2 * width + width * width + media), np.empty(len(names)), np.empty(0)
    signed = plan.effect.kind == IDENTITY_LINK
    logs = np.empty(len(theta))
    for d, row in enumerate(theta):
        was = core(row, grad, before, nothing)
        core(row, grad, after, out)
        ratio = origin.draws.beta[d] / out[-media:]
        row[at : at + media] = np.where(
            signed, row[at : at + media] * ratio, row[at : at + media] + np.log(np.abs(ratio))
        )
        logs[d] = core(row, grad, after, nothing) - was + np.log(np.abs(ratio[signed])).sum()
    return logs, from_kernel(theta.reshape(origin.draws.sampled.shape), after, plan, seed=seed)


def _residual_surprises(plan: Design, draws: Posterior, added: int) -> tuple[float, ...]:
    """New periods' common residuals in units of the known ones' spread, where no forecast was made row by row."""
    if not added:
        return ()
    from models.mmm.posterior import linear_sums, media_sums

    geos, periods = plan.y.shape
    labels = np.arange(geos * periods).reshape(geos, periods)
    some = draws.thin(400)
    mean = media_sums(plan, some, plan.media, labels, geos * periods).mean(axis=0).sum(axis=1)
    mean += linear_sums(plan, some, labels, geos * periods)[1].mean(axis=0).sum(axis=1)
    gap = (plan.data.kpi - mean.reshape(geos, periods)) / (plan.scales.size[:, None] * plan.scales.kpi) * plan.weight
    common = gap.mean(axis=0)
    return tuple(common[-added:] / common[:-added].std())


def _refitted(fit: Refreshed, reason: str) -> Refreshed:
    return replace(fit, reason=reason, decisions=(*fit.decisions, f"refitted ({fit.path}): {reason}"))
