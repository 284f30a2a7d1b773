"""Yesterday's fit with today's rows: importance-reweighted when the diagnostics allow it, otherwise refitted.

The fit records which path was taken and why.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from models import importance
from models.mmm.checks import after_sampling, before_sampling
from models.mmm.model.build import design as build_design
from models.mmm.model.design import Design
from models.mmm.panel.error import MMMError
from models.mmm.panel.panel import MMMData
from models.mmm.result.contributions import linear_sums, media_sums
from models.mmm.result.fit import Lineage, MMMFit
from models.mmm.result.posterior import Posterior
from models.mmm.updating import reweighting, transport
from models.mmm.updating.refit import LASTING, cold, warm
from models.periods import PERIODS_PER_WEEK
from models.warning import Warning

# Below this share of the sampled draws' effective size, and below so many effective draws, the next way is tried too.
AMPLE, PLENTY = 0.5, 600.0
LEAST_DRAWS = 400.0  # weighted effective draws below which the fit is sampled again
WORST_TAIL = 0.7  # Pareto k-hat above which importance weights have no usable variance
SURPRISE = 4.0  # forecast error of one new row, in standard deviations, at which the fit is sampled again
DRIFT, SLACK = 5.0, 0.75  # cumulative sum of forecast errors at which it is, and the error that each may have
SURPRISE_OF_ONE = 5.0  # the same for one row of one region: there are many, and 4 would give false alarms
FEW = 100  # draws whose mean is used as the fitted value
DRAWS_PER_COORDINATE = (
    10  # effective ones a warm start needs: with fewer their covariance is a worse map than the peak's
)
STALE_WEEKS = 26  # new weeks after which trend knots and season are set up again


@dataclass(frozen=True, eq=False)
class _Answer:
    """Draws that were weighted and resampled; `how` says how they were moved first, `alarm` is what forecasts of the
    new rows revealed that no weight can correct.
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
    """The fit of `new_data` (all rows, restated ones included), re-weighted where the diagnostics allow it.

    Draws are weighted row by row where that is exact and cheap, else moved with the posterior's peak and weighted.
    Scaling constants and response form stay frozen while draws are re-weighted or resampled from where they were, so
    that numbers move only because the data did. `MMMFit.lineage` and the last decision say the path and why. Weights
    always count from the last sampled fit, however many refreshes lie between.
    Raises ValueError if channels, controls or geos changed, or a control moved for the first time.
    """
    refuse_another_model(fit.data, new_data)
    origin = sampled_origin(fit)
    added = len(set(new_data.dates) - set(origin.data.dates))
    if origin.engine != "kernel" or not origin.converged:
        return cold(origin, new_data, reason="the earlier fit cannot be re-weighted", seed=seed, fresh=False)
    if new_data.dates[: len(origin.data.dates)] != origin.data.dates:
        reason = "the window begins or continues differently"
        return cold(origin, new_data, reason=reason, seed=seed, fresh=True)
    if added > STALE_WEEKS * PERIODS_PER_WEEK[new_data.grain]:
        reason = f"{added} periods are new since the last full fit"
        return cold(origin, new_data, reason=reason, seed=seed, fresh=True)
    design = extended(origin, new_data)
    answer = _best_answer(fit, origin, design, seed)
    if answer is None:
        return warm(origin, None, design, reason="no earlier draw is possible under the new data", seed=seed)
    alarm = answer.alarm or ("" if answer.carried else _odd_rows(design, answer.draws, added))
    if alarm:
        return cold(origin, new_data, reason=alarm, seed=seed, fresh=True)
    if not answer.holds:
        reason = f"the earlier draws are too few under the new data ({answer.worth})"
        if answer.left < DRAWS_PER_COORDINATE * len(origin.draws.names):
            return cold(origin, new_data, reason=reason, seed=seed, fresh=False)
        return warm(origin, answer.draws, design, reason=reason, seed=seed)
    reason = f"{added} new periods, {answer.worth}{answer.how}"
    return replace(
        origin,
        design=design,
        draws=answer.draws,
        known_findings=tuple(w for w in origin.findings if w.code in LASTING),
        seed=seed,
        decisions=(*origin.decisions, f"re-weighted: {reason}"),
        lineage=Lineage(path="re-weighted", reason=reason, origin=origin, state=answer.carried),
        later_checks=_checks_of_a_reweighted_fit,
    )


def sampled_origin(fit: MMMFit) -> MMMFit:
    """The last sampled fit that this one is based on: itself unless it was re-weighted."""
    return fit.lineage.origin if fit.lineage and fit.lineage.origin else fit


def _checks_of_a_reweighted_fit(fit: MMMFit) -> tuple[Warning, ...]:
    """What the checks find about a re-weighted answer beyond what is known of it already."""
    earlier = {(w.code, w.subject) for w in fit.findings}
    warnings = (*before_sampling.check(fit.design), *after_sampling.check(fit))
    return tuple(w for w in warnings if (w.code, w.subject) not in earlier)


def _best_answer(fit: MMMFit, origin: MMMFit, design: Design, seed: int) -> _Answer | None:
    """The first way of weighting whose draws are ample, else the best of all three; None where no draw is possible."""
    worth = min(float(origin.draws.count), float(np.nanmin(origin.checks["ess_bulk"].to_numpy())))
    carried = fit.lineage.state if fit.lineage else None
    before = carried if isinstance(carried, reweighting.Carried) else reweighting.begin(origin)
    best: _Answer | None = None
    for way in (_row_by_row, _moved, _unmoved):
        answer = way(before, origin, design, seed)
        if answer and (best is None or (answer.holds, answer.left) > (best.holds, best.left)):
            best = answer
        if best and (best.alarm or (best.holds and best.left >= min(AMPLE * worth, PLENTY))):
            break
    return best


def extended(fit: MMMFit, data: MMMData) -> Design:
    """The fit's design over the rows of `data`: same scales, form, prior widths and weights of the earlier rows."""
    design = build_design(data, fit.spec, fit.design.form, scales=fit.design.scales)
    weight = design.weight.copy()
    periods = fit.design.weight.shape[1]
    weight[:, :periods] = fit.design.weight
    return replace(design, weight=weight, effect=replace(design.effect, sd=fit.design.effect.sd))


def refuse_another_model(old: MMMData, new: MMMData) -> None:
    """Raises ValueError where the panels differ in more than rows and values, or a control has no scale yet."""
    for field in (
        "channels",
        "organic",
        "geos",
        "control_names",
        "control_roles",
        "treatment_names",
        "kpi_name",
        "grain",
    ):
        if getattr(old, field) != getattr(new, field):
            raise MMMError(
                f"refresh: {field} changed from {getattr(old, field)} to {getattr(new, field)}; that is another model,"
                " make a new fit"
            )
    for names, before, after in (
        (old.control_names, old.controls, new.controls),
        (old.treatment_names, old.treatments, new.treatments),
    ):
        woken = [n for k, n in enumerate(names) if not np.ptp(before[..., k]) and np.ptp(after[..., k])]
        if woken:
            raise MMMError(
                f"refresh: {', '.join(woken)} never moved in the earlier data and does now; that is another model, make"
                " a new fit"
            )


def _row_by_row(before: reweighting.Carried | None, origin: MMMFit, design: Design, seed: int) -> _Answer | None:
    if before is None:
        return None
    carried = reweighting.carry(before, design, seed=seed)
    answer = _weighed(origin, carried.log_weights, carried.posterior, seed)
    return replace(answer, alarm=_alarm(carried.surprises), carried=carried) if answer else None


def _moved(before: reweighting.Carried | None, origin: MMMFit, design: Design, seed: int) -> _Answer | None:
    return _all_at_once(origin, transport.move(origin, design), ", moved with the posterior's peak", seed)


def _unmoved(before: reweighting.Carried | None, origin: MMMFit, design: Design, seed: int) -> _Answer | None:
    """The draws where they are; where row by row was possible it has just given the same answer."""
    return None if before else _all_at_once(origin, transport.stay(origin, design), ", where they are", seed)


def _all_at_once(origin: MMMFit, moved: transport.Moved | None, how: str, seed: int) -> _Answer | None:
    answer = moved and _weighed(origin, moved.log_weights, lambda: moved.posterior(seed=seed), seed)
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
        return f"a new row is {abs(worst):.1f} standard deviations off its forecast"
    total = importance.drift(surprises, SLACK)
    if total > DRIFT:
        return f"new rows deviate from their forecasts to one side (cumulative sum {total:.1f}): the level has changed"
    return ""


def _odd_rows(design: Design, draws: Posterior, added: int) -> str:
    """The alarm where no forecast was made row by row: new residuals in standard deviations of the earlier ones, first
    what all regions share, then each region's own.
    """
    if not added:
        return ""
    geos, periods = design.y.shape
    labels = np.arange(geos * periods).reshape(geos, periods)
    few = draws.thin(FEW)
    mean = media_sums(design, few, design.media, labels, geos * periods).mean(axis=0).sum(axis=1)
    mean += linear_sums(design, few, labels, geos * periods)[1].mean(axis=0).sum(axis=1)
    gap = (
        (design.data.kpi - mean.reshape(geos, periods))
        / (design.scales.size[:, None] * design.scales.kpi)
        * design.weight
    )
    common = np.median(gap, axis=0)  # what one region does alone is not what all of them share
    shared = _alarm(tuple(common[-added:] / common[:-added].std()))
    own = gap - common
    off = np.abs(own[:, -added:]).max(axis=1) / np.maximum(own[:, :-added].std(axis=1), 1e-12)
    if shared or geos == 1 or off.max() <= SURPRISE_OF_ONE:
        return shared
    who = design.data.geos[int(off.argmax())]
    return f"a new row of {who} is {off.max():.1f} standard deviations off its own level, unlike the other regions"
