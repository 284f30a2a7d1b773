"""Yesterday's fit with today's rows: re-weighted when that is honest, refitted when it is not, and which one is
recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from models.mmm.engine import importance
from models.mmm.model.build import Design, design
from models.mmm.panel.panel import MMMData
from models.mmm.result.fit import MMMFit
from models.mmm.result.posterior import Posterior
from models.mmm.result.refreshed import Refreshed
from models.mmm.updating import reweighting, transport
from models.mmm.updating.refit import LASTING, cold, warm
from models.periods import PERIODS_PER_WEEK

# Below this share of the sampled draws' worth, and below so many effective draws, another way is tried too.
AMPLE, PLENTY = 0.5, 600.0
LEAST_DRAWS = 400.0  # weighted effective draws below which the old draws no longer carry the answer
WORST_TAIL = 0.7  # Pareto k-hat above which importance weights have no usable variance
SURPRISE = 4.0  # standard deviations of one new row that call for a refit, whatever the weights say
DRIFT, SLACK = 5.0, 0.75  # cumulative sum of surprises that calls for one, and what each may be off for nothing
SURPRISE_OF_ONE = 5.0  # the same for one row of one region: there are many of them, and 4 would cry wolf
FEW = 100  # draws whose mean stands for the fitted value
DRAWS_PER_COORDINATE = (
    10  # effective ones a warm start needs: with fewer their covariance is a worse map than the peak's
)
STALE_WEEKS = 26  # new weeks after which trend knots and season are laid out afresh


@dataclass(frozen=True, eq=False)
class _Answer:
    """Draws that were weighted and drawn again; `how` says what was done to them, `alarm` what forecasts row by row saw
    that no weight can mend.
    """

    draws: Posterior
    k_hat: float
    left: float
    alarm: str = ""
    how: str = ""
    carried: reweighting.Carried | None = None

    @property
    def holds(self) -> bool:
        return self.k_hat <= WORST_TAIL and self.left >= LEAST_DRAWS

    @property
    def worth(self) -> str:
        return f"{self.left:.0f} effective draws, k-hat {self.k_hat:.2f}"


def refresh(fit: MMMFit, new_data: MMMData, *, seed: int) -> MMMFit:
    """The fit of `new_data` (all rows, restated ones included), as cheaply as is honest.

    Draws are weighted row by row where that is exact and cheap, else moved with the posterior's peak and weighted.
    Scaling constants and response form stay frozen while draws are re-weighted or resampled from where they were, so
    that numbers move only because the data did. The result's last decision says the path and why; `Refreshed.path`
    and `.reason` hold the same. Weights always count from the last sampled fit, however many refreshes lie between.
    Raises ValueError if channels, controls or geos changed, or a control moved for the first time.
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
    worth = min(float(origin.draws.count), float(np.nanmin(origin.checks["ess_bulk"].to_numpy())))
    answer: _Answer | None = None
    for way in (_row_by_row, _moved, _unmoved):
        found = way(fit, origin, plan, seed)
        if found and (answer is None or (found.holds, found.left) > (answer.holds, answer.left)):
            answer = found
        if answer and (answer.alarm or (answer.holds and answer.left >= min(AMPLE * worth, PLENTY))):
            break
    if answer is None:
        return _refitted(warm(origin, None, plan, seed=seed), "no earlier draw is possible under the new data")
    alarm = answer.alarm or ("" if answer.carried else _odd_rows(plan, answer.draws, added))
    if alarm:
        return _refitted(cold(origin, new_data, seed=seed, fresh=True), alarm)
    if not answer.holds:
        reason = f"the old draws no longer carry the answer ({answer.worth})"
        if answer.left < DRAWS_PER_COORDINATE * len(origin.draws.names):
            return _refitted(cold(origin, new_data, seed=seed, fresh=False), reason)
        return _refitted(warm(origin, answer.draws, plan, seed=seed), reason)
    reason = f"{added} new periods, {answer.worth}{answer.how}"
    inherited = tuple(w for w in origin.findings if w.code in LASTING)
    parts: dict[str, Any] = {f.name: getattr(origin, f.name) for f in fields(MMMFit)}
    parts |= {"design": plan, "draws": answer.draws, "findings": inherited, "seed": seed}
    parts["decisions"] = (*origin.decisions, f"re-weighted: {reason}")
    return Refreshed(**parts, origin=origin, carried=answer.carried, path="re-weighted", reason=reason)


def extended(fit: MMMFit, data: MMMData) -> Design:
    """The fit's design over the rows of `data`: same scales, form, beliefs' width and weights of known rows."""
    plan = design(data, fit.spec, fit.design.form, scales=fit.design.scales)
    weight = plan.weight.copy()
    known = fit.design.weight.shape[1]
    weight[:, :known] = fit.design.weight
    return replace(plan, weight=weight, effect=replace(plan.effect, sd=fit.design.effect.sd))


def refuse_another_model(old: MMMData, new: MMMData) -> None:
    """Raises ValueError where the two panels differ in more than rows and values, or a control has no scale yet."""
    for field in ("channels", "organic", "geos", "control_names", "control_roles", "treatment_names", "kpi_name",
                  "grain"):  # fmt: skip
        if getattr(old, field) != getattr(new, field):
            raise ValueError(
                f"refresh: {field} changed from {getattr(old, field)} to {getattr(new, field)}; that is another model,"
                " fit it anew"
            )
    for names, before, after in (
        (old.control_names, old.controls, new.controls), (old.treatment_names, old.treatments, new.treatments)
    ):  # fmt: skip
        woken = [n for k, n in enumerate(names) if not np.ptp(before[..., k]) and np.ptp(after[..., k])]
        if woken:
            raise ValueError(
                f"refresh: {', '.join(woken)} never moved in the earlier data and does now; that is another model, fit"
                " it anew"
            )


def _carried(fit: MMMFit, origin: MMMFit) -> reweighting.Carried | None:
    """What was carried so far; worked out once per sampled fit and kept beside it."""
    if isinstance(fit, Refreshed) and fit.carried is not None:
        return fit.carried
    if "from_here" not in origin.__dict__:
        origin.__dict__["from_here"] = reweighting.begin(origin)
    found: reweighting.Carried | None = origin.__dict__["from_here"]
    return found


def _row_by_row(fit: MMMFit, origin: MMMFit, plan: Design, seed: int) -> _Answer | None:
    carried = _carried(fit, origin)
    if carried is None:
        return None
    carried = reweighting.carry(carried, plan, seed=seed)
    answer = _weighed(origin, carried.log_weights, carried.posterior, seed)
    return replace(answer, alarm=_alarm(carried.surprises), carried=carried) if answer else None


def _moved(fit: MMMFit, origin: MMMFit, plan: Design, seed: int) -> _Answer | None:
    return _all_at_once(origin, transport.move(origin, plan), ", moved with the posterior's peak", seed)


def _unmoved(fit: MMMFit, origin: MMMFit, plan: Design, seed: int) -> _Answer | None:
    """Where row by row was possible it has just said the same."""
    return (
        None if _carried(fit, origin) else _all_at_once(origin, transport.stay(origin, plan), ", where they are", seed)
    )


def _all_at_once(origin: MMMFit, found: transport.Moved | None, how: str, seed: int) -> _Answer | None:
    answer = found and _weighed(origin, found.log_weights, lambda: found.posterior(seed=seed), seed)
    return replace(answer, how=how) if answer else None


def _weighed(origin: MMMFit, logs: np.ndarray, draws: Callable[[], Posterior], seed: int) -> _Answer | None:
    if not np.isfinite(logs).any():
        return None
    weights, k_hat = importance.smooth(logs)
    left = importance.effective(weights, float(np.nanmin(origin.checks["ess_bulk"].to_numpy())))
    return _Answer(draws().reweighted(weights, seed), k_hat, left)


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


def _odd_rows(plan: Design, draws: Posterior, added: int) -> str:
    """The alarm where no forecast was made row by row: new residuals in units of the known ones' spread, what all
    regions share first, then each region's own.
    """
    if not added:
        return ""
    from models.mmm.result.posterior import linear_sums, media_sums

    geos, periods = plan.y.shape
    labels = np.arange(geos * periods).reshape(geos, periods)
    some = draws.thin(FEW)
    mean = media_sums(plan, some, plan.media, labels, geos * periods).mean(axis=0).sum(axis=1)
    mean += linear_sums(plan, some, labels, geos * periods)[1].mean(axis=0).sum(axis=1)
    gap = (plan.data.kpi - mean.reshape(geos, periods)) / (plan.scales.size[:, None] * plan.scales.kpi) * plan.weight
    common = np.median(gap, axis=0)  # what one region does alone is not what all of them share
    shared = _alarm(tuple(common[-added:] / common[:-added].std()))
    own = gap - common
    off = np.abs(own[:, -added:]).max(axis=1) / np.maximum(own[:, :-added].std(axis=1), 1e-12)
    if shared or geos == 1 or off.max() <= SURPRISE_OF_ONE:
        return shared
    who = plan.data.geos[int(off.argmax())]
    return (
        f"a new row of {who} lies {off.max():.1f} standard deviations off its own level, apart from the other regions"
    )


def _refitted(fit: Refreshed, reason: str) -> Refreshed:
    return replace(fit, reason=reason, decisions=(*fit.decisions, f"refitted ({fit.path}): {reason}"))
