"""Whether the answer of a finished fit makes sense; each failed check becomes a warning.

Whether the sampler can be believed is judged in `engine.convergence`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from models.mmm.checks import changing_effects, endogeneity, mediated_split, residuals
from models.mmm.result.contributions import linear_sums, media_sums, parts
from models.mmm.result.fit import MMMFit, contraction
from models.warning import Warning


@dataclass(frozen=True)
class Limits:
    """When a finding about a sampled fit starts to matter; convergence itself is judged in `engine.convergence`."""

    negative_baseline_review: float = 0.05
    negative_baseline_high: float = 0.20
    contraction_none: float = 0.10
    contraction_weak: float = 0.50
    extrapolated: float = 0.50
    s_shaped_slope: float = 1.5
    s_shaped_share: float = 0.90
    s_shaped_after_one: float = 0.60  # for the other channels once one was found
    unexplained: float = 0.02  # of the observed total
    off_by_half: float = 0.25
    off_by_half_never_dark: float = 0.10  # its total is extrapolated
    off_by_half_low: float = 0.05
    prior_tail: float = 2.33  # standard deviations of the prior: its 1 % and 99 % points


LIMITS = Limits()
SAYS_UNKNOWN = frozenset(
    {"no_variation", "sparse_channel", "channels_not_separable"}
)  # they already say that a channel's interval is wide, and why


def check(fit: MMMFit, limits: Limits = LIMITS) -> list[Warning]:
    """Everything the checks find about a finished fit's answer."""
    return [
        *_total(fit, limits),
        *_baseline(fit, limits),
        *_learning(fit, limits),
        *_plausible(fit, limits),
        *_precision(fit, limits),
        *_threshold(fit, limits),
        *_unseen_levels(fit, limits),
        *residuals.check(fit),
        *_carryover(fit),
        *endogeneity.check(fit),
        *changing_effects.check(fit),
        *mediated_split.check(fit),
    ]


def _total(fit: MMMFit, limits: Limits) -> list[Warning]:
    """Whether baseline and media add up to what was observed over the whole window."""
    share = float((fit.data.kpi - fit.fitted()).sum() / np.abs(fit.data.kpi).sum())
    if abs(share) <= limits.unexplained:
        return []
    name, side = fit.data.kpi_name, "less" if share > 0 else "more"
    return [
        Warning(
            "unexplained_total",
            "high",
            name,
            f"Baseline and media together explain {side} than all {name}: {abs(share):.1%} of it is unexplained, so"
            f" channels may be credited with {side} than they caused.",
            "Look at the periods far from the model (one wrong record can do this), or use coarser periods.",
        )
    ]


def _baseline(fit: MMMFit, limits: Limits) -> list[Warning]:
    if (fit.data.kpi < 0).any():
        return []
    geos, periods = fit.design.y.shape
    labels = np.broadcast_to(np.arange(periods), (geos, periods))
    _, lines = linear_sums(fit.design, fit.draws.thin(500), np.ascontiguousarray(labels), periods)
    base = lines.sum(axis=2)
    share, total = float((base < 0).mean()), float((base.sum(axis=1) < 0).mean())
    worst = max(share, total)
    if worst <= limits.negative_baseline_review:
        return []
    return [
        Warning(
            "negative_baseline",
            "high" if worst > limits.negative_baseline_high else "medium",
            "baseline",
            f"Without media the model expects sales below zero in {share:.0%} of periods (probability {total:.0%} for"
            " the whole window): media is credited with more sales than there were.",
            "Check for a missing driver of sales or a wrong unit of spend, or set tighter priors per channel.",
        )
    ]


def _learning(fit: MMMFit, limits: Limits) -> list[Warning]:
    warnings = []
    shares = contraction(fit)
    for c, name in enumerate(fit.data.media_names):
        if shares[c] < limits.contraction_none:
            warnings.append(
                Warning(
                    "prior_dominated",
                    "medium",
                    name,
                    f"The estimate of {name} is mostly prior assumption: the data removed only"
                    f" {max(shares[c], 0):.0%} of the prior variance.",
                    f"Test {name} (pause or raise it in some regions) before acting on its number.",
                )
            )
    return warnings


def _plausible(fit: MMMFit, limits: Limits) -> list[Warning]:
    warnings = []
    effect = fit.design.effect
    low_ok, high_ok = fit.spec.plausible_iroas
    money = fit.data.kpi_unit == "revenue" or fit.data.value_per_kpi is not None
    roas = fit.roas()
    for c, row in enumerate(roas.iter_rows(named=True)):
        z = (float(np.median(fit.draws.effect[:, c])) - effect.mu[c]) / effect.sd[c]
        if abs(z) > limits.prior_tail:
            warnings.append(
                Warning(
                    "prior_conflict",
                    "high",
                    row["channel"],
                    f"The data put the iROAS of {row['channel']} at {row['q50']:.3g}, far"
                    f" {'above' if z > 0 else 'below'} its prior ({z:+.1f} prior standard deviations).",
                    "Check the units of spend and KPI and look for a hidden driver; if the number is right, widen the"
                    " prior.",
                )
            )
        elif money and effect.basis[c] == "iroas" and (row["q05"] > high_ok or row["q95"] < low_ok):
            warnings.append(
                Warning(
                    "implausible_iroas",
                    "high",
                    row["channel"],
                    f"The iROAS of {row['channel']} is {row['q05']:.3g} to {row['q95']:.3g}, outside the plausible"
                    f" range of {low_ok:g} to {high_ok:g}.",
                    "Check units and currency, or state the plausible range of this business.",
                )
            )
    return warnings


def _named_in(fit: MMMFit, codes: Collection[str]) -> set[str]:
    """Channels that a warning of these codes, of medium severity or more, names: one cause gets one warning."""
    return {
        name
        for w in fit.findings
        if w.code in codes and w.severity in ("medium", "high", "block")
        for name in (w.subjects or (w.subject,))
    }


def off_by_half(fit: MMMFit) -> np.ndarray:
    """Probability (C,) that the reported mean is wrong by more than half of the true contribution.

    Draws are first spread out where residuals are autocorrelated (`residuals.memory`).
    """
    draws = fit.incremental()
    middle = draws.mean(axis=0)
    possible = middle + residuals.memory(fit) * (draws - middle)
    return np.asarray((np.abs(middle - possible) > 0.5 * np.abs(possible)).mean(axis=0))


def _precision(fit: MMMFit, limits: Limits) -> list[Warning]:
    warnings = []
    already_named = _named_in(fit, SAYS_UNKNOWN) | {w.subject for w in _learning(fit, limits)}
    totals, steady = fit.totals(), fit.data.never_dark()
    for row, risk in zip(totals.iter_rows(named=True), off_by_half(fit), strict=True):
        name = row["channel"]
        loud = limits.off_by_half_never_dark if name in steady else limits.off_by_half
        if risk > limits.off_by_half_low and name not in already_named:
            warnings.append(
                Warning(
                    "wide_interval",
                    "medium" if risk > loud else "low",
                    name,
                    f"The estimate of {name} may be off by more than half of the true value (probability {risk:.0%}):"
                    f" its 90 % interval runs from {row['q05']:,.3g} to {row['q95']:,.3g}.",
                    f"Use the interval of {name}, not its mean; a test of {name} would narrow it.",
                )
            )
    return warnings


def _threshold(fit: MMMFit, limits: Limits) -> list[Warning]:
    """Channels with an S-shaped response: low spend has little effect, and the curve there decides the total."""
    warnings = []
    shares = (fit.draws.slope > limits.s_shaped_slope).mean(axis=0)
    any_s_shaped = bool((shares > limits.s_shaped_share).any())
    for c, name in enumerate(fit.data.media_names):
        if shares[c] > (limits.s_shaped_after_one if any_s_shaped else limits.s_shaped_share):
            warnings.append(
                Warning(
                    "s_shaped_response",
                    "medium",
                    name,
                    f"{name} seems to have little effect until spend is high (slope"
                    f" {np.median(fit.draws.slope[:, c]):.1f}). Its total then depends on periods with low spend, about"
                    " which the data say least.",
                    f"Test {name} at half and at full spend before cutting or spreading its budget.",
                )
            )
    return warnings


def extrapolated_share(fit: MMMFit) -> np.ndarray:
    """Share (C,) of each channel's contribution that lies below its lowest usual level (5 % point), never observed.

    Posterior mean of the effect in a low period over the effect in an average one; zero where a channel was off.
    """
    geos, periods = fit.design.y.shape
    settled = min(fit.design.form.taps, periods // 2)  # before that, carryover is low without spend being low
    count = geos * (periods - settled)
    labels = np.full((geos, periods), -1)
    labels[:, settled:] = np.arange(count).reshape(geos, -1)
    shares = []
    for part in parts(fit.draws.thin(100), count * len(fit.design.media)):
        effect = media_sums(fit.design, part, fit.design.media, labels, count)
        low, usual = np.quantile(effect, 0.05, axis=1), effect.mean(axis=1)
        shares.append(low / np.where(np.abs(usual) > 0, usual, 1.0))
    return np.asarray(np.concatenate(shares).mean(axis=0))


def _unseen_levels(fit: MMMFit, limits: Limits) -> list[Warning]:
    warnings, already_named = [], _named_in(fit, {"no_variation"})
    for name, share in zip(fit.data.media_names, extrapolated_share(fit), strict=True):
        if share > limits.extrapolated and name not in already_named:
            warnings.append(
                Warning(
                    "total_extrapolated",
                    "medium",
                    name,
                    f"Spend on {name} was never low: {share:.0%} of its total is extrapolated to spend that never"
                    " occurred. The marginal return is better supported than the total.",
                    f"Use the marginal return of {name}, or switch {name} off in some regions or weeks to measure the"
                    " rest.",
                )
            )
    return warnings


def _carryover(fit: MMMFit) -> list[Warning]:
    warnings = []
    reach = fit.design.form.taps
    for c, name in enumerate(fit.data.media_names):
        h, k = fit.draws.half_life[:, c], fit.draws.shape[:, c]
        beyond = float(np.mean(np.exp(-np.log(2) * (reach / h) ** k)))
        if beyond > 0.05:
            warnings.append(
                Warning(
                    "carryover_cut",
                    "medium",
                    name,
                    f"About {beyond:.0%} of the carryover of {name} would fall after the {reach} periods that the model"
                    " covers.",
                    "Allow a longer carryover: mmm.max_lag_weeks in plumbline.yaml.",
                )
            )
    return warnings
