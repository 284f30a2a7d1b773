"""Changes to a model before it is sampled, where data or tests clearly contradict one of its assumptions.

Each adjustment takes a candidate and returns it, changed or as it came, with what a reader has to know about it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from models.mmm.checks import lift_test_conflicts
from models.mmm.engine import laplace, layout
from models.mmm.engine.laplace import Peak
from models.mmm.engine.parameters import names
from models.mmm.model.build import design as build_design
from models.mmm.model.design import Design
from models.mmm.model.effect_prior import LOG_LINK
from models.mmm.model.lift_tests import Calibration
from models.mmm.result.contributions import linear_sums, media_sums
from models.mmm.result.posterior import from_kernel
from models.mmm.spec import ChannelSpec, Normal
from models.warning import Warning

FAR = 2.0  # prior standard deviations between a default prior and the peak at which all default priors are widened
WIDER = 2.0  # factor on the sd of a default prior that data or a test contradict
CLEAR, HINT = 2.0, 1.0  # standard errors below zero at which a negative effect is allowed, and at which it is reported
WIDTH = 1.0  # sd of the two-sided prior, in means of the one-sided one it replaces
FREEDOM = 4.0  # degrees of freedom of the implied Student-t noise
KURTOSIS_Z, SINGLE = (
    4.0,
    4.5,
)  # standard errors of excess kurtosis, or size of one residual, at which rows are reweighed
UNEXPLAINED = 0.02  # share of the total that weights may leave unexplained
SKEWED, FEW = 0.5, 3  # skewness of residuals that is a skewed KPI's, without the few wildest rows
ROUNDS = 3  # of the Student-t weights, which settle quickly
ONLY_REPORTED = frozenset({"effect_near_zero"})  # findings of an adjustment that changed nothing


@dataclass(frozen=True, eq=False)
class Candidate:
    """A model ready to be sampled: its design, the tests in it, the array of the compiled density, and its peak.

    `seed` is for adjustments that simulate.
    """

    design: Design
    tests: Calibration
    block: np.ndarray
    peak: Peak
    seed: int


def first_candidate(design: Design, tests: Calibration, *, seed: int) -> Candidate:
    """The model as the spec asks for it."""
    block = layout.build(design, tests)
    return Candidate(design, tests, block, laplace.peak(block, laplace.start(design), names(design)), seed)


def make_room_for_tests(candidate: Candidate) -> tuple[Candidate, list[Warning]]:
    """Where the data disagree with a test, the channel's co-movement with sales is read as hidden demand; where a test
    lies outside what was believed, the channel's prior is made wider, unless somebody stated it."""
    design = candidate.design
    if not candidate.tests.experiments or design.form.hidden:
        return candidate, []
    table = lift_test_conflicts.against_the_data(design, candidate.tests, seed=candidate.seed)
    suspects = lift_test_conflicts.channels_of(table, lift_test_conflicts.DATA_DISAGREE)
    unforeseen = lift_test_conflicts.channels_of(table, lift_test_conflicts.OUTSIDE_BELIEF)
    notes = lift_test_conflicts.findings(table)
    if not suspects and not unforeseen:
        return candidate, notes
    form = replace(design.form, hidden=suspects)
    wider = dict.fromkeys(unforeseen, WIDER)
    changed = build_design(design.data, design.spec, form, scales=design.scales, widening=wider)
    return first_candidate(changed, candidate.tests, seed=candidate.seed), notes


def widen_prior(candidate: Candidate) -> tuple[Candidate, list[Warning]]:
    """Where the peak lies far outside a prior that nobody stated, it was too narrow: all of those are doubled once."""
    design, peak = candidate.design, candidate.peak
    at = names(design).index(f"effect[{design.data.media_names[0]}]")
    default = np.array(
        [
            basis == "iroas" and not design.spec.stated(name)
            for basis, name in zip(design.effect.basis, design.data.media_names, strict=True)
        ]
    )
    away = np.abs(peak.mode[at : at + len(default)] - design.effect.mu) / design.effect.sd
    far = default & (away > FAR)
    if not far.any():
        return candidate, []
    widening = dict.fromkeys(design.data.media_names, WIDER)
    wider = build_design(design.data, design.spec, design.form, scales=design.scales, widening=widening)
    channels = [n for n, f in zip(design.data.media_names, far, strict=True) if f]
    note = Warning.about(
        "prior_widened",
        "medium",
        channels,
        f"The data put {', '.join(channels)} far outside the usual range of returns, so the prior of all"
        " channels was made twice as wide.",
        "Check units of spend and KPI; if they are right, state the plausible iROAS of this business in MMMSpec.",
    )
    return _rebuilt(candidate, wider, peak.mode), [note]


def allow_negative(candidate: Candidate) -> tuple[Candidate, list[Warning]]:
    """A two-sided prior for channels whose effect lies clearly below zero, which the default prior excludes.

    All paid channels whose prior nobody stated are examined at once under two-sided priors of the same size; one whose
    effect is `CLEAR` standard errors below zero keeps it, one with only a hint is warned about and stays positive.
    """
    design = candidate.design
    channels = design.data.media_names
    examined = [
        c
        for c, name in enumerate(channels[: len(design.data.channels)])
        if design.effect.kind[c] == LOG_LINK and not design.spec.stated(name)
    ]
    if not examined:
        return candidate, []
    usual = np.exp(design.effect.mu + design.effect.sd**2 / 2) * design.effect.scale_to_iroas * WIDTH
    widths = {channels[c]: float(usual[c]) for c in examined}
    z = dict(zip(examined, _standard_errors(candidate, widths)[examined], strict=True))
    if min(z.values()) < -HINT:
        # one outlier can carry a sign: it is examined again with the weights that the fit will give such rows
        weighed, _ = reweigh_outliers(candidate)
        if weighed is not candidate:
            z = dict(zip(examined, _standard_errors(weighed, widths)[examined], strict=True))
    below = [c for c in examined if z[c] < -CLEAR]
    notes = [_near_zero(channels[c], z[c]) for c in examined if -CLEAR <= z[c] < -HINT]
    if not below:
        return candidate, notes
    freed = _with_two_sided_priors(candidate, {channels[c]: float(usual[c]) for c in below})
    return freed, notes + [_below_zero(channels[c], z[c]) for c in below]


def reweigh_outliers(candidate: Candidate) -> tuple[Candidate, list[Warning]]:
    """Down-weights outliers with Student-t weights at the mode, where `likelihood` is `auto` and there are any.

    The weights are those of the Student-t's EM step at the peak and are then held fixed: close to Student-t noise
    for the centre, without its own uncertainty. `MMMSpec(likelihood="student_t")` gives the exact model. On a skewed
    KPI such weights estimate something like a median, and part of the total would go unexplained: they are dropped
    where they leave more than `UNEXPLAINED` of it and the skew is not that of a few rows.
    """
    if candidate.design.spec.likelihood != "auto":
        return candidate, []
    z = standardised_residuals(candidate)
    kurtosis = float((z**4).mean() / (z**2).mean() ** 2 - 3)
    largest = float(np.abs(z).max())
    if kurtosis / np.sqrt(24 / z.size) < KURTOSIS_Z and largest < SINGLE + 0.5 * np.log10(z.size / 100):
        return candidate, []
    unweighted, plain = candidate.design.weight, candidate
    for _ in range(ROUNDS):
        weight = unweighted * np.sqrt((FREEDOM + 1) / (FREEDOM + z**2))
        candidate = _rebuilt(candidate, replace(candidate.design, weight=weight), candidate.peak.mode)
        z = standardised_residuals(candidate) * unweighted / weight
    unexplained = float(_residuals(candidate).sum() / np.abs(candidate.design.data.kpi).sum())
    if abs(unexplained) > UNEXPLAINED and abs(_skewness(z)) > SKEWED:
        return plain, [_skewed(candidate.design.data.kpi_name, unexplained)]
    worst = np.argsort(-np.abs(z).ravel())[:3]
    when = ", ".join(str(candidate.design.data.dates[i % z.shape[1]]) for i in worst)
    note = Warning(
        "heavy_tailed_noise",
        "low",
        candidate.design.data.kpi_name,
        f"Some periods lie far from anything the model can explain (most of all {when}); they were given less weight.",
        "Name what happened there as an event control; if these rows are wrong, correct them.",
    )
    return candidate, [note]


Adjustment = Callable[[Candidate], tuple[Candidate, list[Warning]]]
ADJUSTMENTS: tuple[Adjustment, ...] = (make_room_for_tests, widen_prior, allow_negative, reweigh_outliers)


def standardised_residuals(candidate: Candidate) -> np.ndarray:
    """Standardised residuals (G, T) at the candidate's peak, with the linear part at its conditional mean."""
    design = candidate.design
    scaled = _residuals(candidate) / (design.scales.size[:, None] * design.scales.kpi) * design.weight
    if design.week_effects:  # a shock that hit every region is not an outlier
        scaled = scaled - scaled.mean(axis=0)
    return np.asarray(scaled / np.sqrt((scaled**2).mean()))


def _residuals(candidate: Candidate) -> np.ndarray:
    """Observed less fitted KPI (G, T) at the candidate's peak, with the linear part at its conditional mean."""
    design = candidate.design
    many = 64  # averages the conditional draws of the linear part; its own noise is far below sigma
    at_peak = np.repeat(candidate.peak.mode[None, None, :], many, axis=1)
    draws = from_kernel(at_peak, candidate.block, design, seed=0)
    geos, periods = design.y.shape
    cells = geos * periods
    labels = np.arange(cells).reshape(geos, periods)
    one = draws.thin(1)
    media = media_sums(design, one, design.media, labels, cells)[0].sum(axis=1)
    averaged = replace(one, linear=draws.linear.mean(axis=0)[None])
    linear = linear_sums(design, averaged, labels, cells)[1][0].sum(axis=1)
    return np.asarray((design.data.kpi.ravel() - media - linear).reshape(geos, periods))


def _skewness(z: np.ndarray) -> float:
    """Skewness of all residuals but the `FEW` wildest: of the noise itself, not of a holiday or a wrong record."""
    rest = np.sort(np.abs(z), axis=None)[-FEW - 1]
    calm = z[np.abs(z) <= rest] - z[np.abs(z) <= rest].mean()
    return float((calm**3).mean() / (calm**2).mean() ** 1.5)


def _skewed(kpi: str, unexplained: float) -> Warning:
    return Warning(
        "skewed_noise",
        "low",
        kpi,
        f"{kpi} is skewed: many small periods and few very large ones. Had large periods been given less weight,"
        f" {abs(unexplained):.0%} of all {kpi} would have gone unexplained, so all periods count alike.",
        f"Nothing to do; coarser periods, or the number of orders beside {kpi}, would make the ranges narrower.",
    )


def _rebuilt(candidate: Candidate, design: Design, begin: np.ndarray) -> Candidate:
    """The candidate under another design, its peak searched from `begin`."""
    block = layout.build(design, candidate.tests)
    peak = laplace.peak(block, begin, names(design))
    return replace(candidate, design=design, block=block, peak=peak)


def _standard_errors(candidate: Candidate, widths: dict[str, float]) -> np.ndarray:
    """Each series' effect (C,) over its standard error under two-sided priors for the channels of `widths`."""
    free = _with_two_sided_priors(candidate, widths)
    design = candidate.design
    at = names(free.design).index(f"effect[{design.data.media_names[0]}]")
    effects = slice(at, at + len(design.media))
    return np.asarray(free.peak.mode[effects] / np.sqrt((free.peak.factor**2).sum(axis=1))[effects])


def _with_two_sided_priors(candidate: Candidate, widths: dict[str, float]) -> Candidate:
    """The candidate with a Normal prior around zero, of the given sd in iROAS, for each channel of `widths`."""
    design = candidate.design
    priors = {
        name: design.spec.channels.get(name, ChannelSpec()).model_copy(
            update={"iroas": None, "signed_iroas": Normal(mu=0.0, sigma=sd)}
        )
        for name, sd in widths.items()
    }
    spec = design.spec.model_copy(update={"channels": {**design.spec.channels, **priors}})
    free = build_design(design.data, spec, design.form, scales=design.scales, widening=design.effect.widening)
    free = replace(free, weight=design.weight)
    at = names(free).index(f"effect[{design.data.media_names[0]}]")
    begin = candidate.peak.mode.copy()  # everything as it was, but the effects: those start at zero
    begin[at : at + len(free.media)] = laplace.start(free)[at : at + len(free.media)]
    return _rebuilt(candidate, free, begin)


def _below_zero(name: str, z: float) -> Warning:
    return Warning(
        "effect_below_zero",
        "high",
        name,
        f"Sales were lower when {name} ran ({z:.1f} standard errors below no effect), so its effect was allowed to be"
        " negative. Advertising rarely does that: more often it ran when demand was weak.",
        f"Find out when and why {name} was bought; test it before believing either sign.",
    )


def _near_zero(name: str, z: float) -> Warning:
    return Warning(
        "effect_near_zero",
        "medium",
        name,
        f"Without the prior the data put the effect of {name} below zero ({z:.1f} standard errors), which the model"
        " excludes: its number is pushed up by that prior.",
        f"Do not read the range of {name} as evidence of a gain; test it, or give it a signed_iroas prior.",
    )
