"""Which response form a fit uses: the most flexible one, unless the data clearly favour a simpler or delayed one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from models.mmm.engine import laplace, layout
from models.mmm.model.baseline import taps
from models.mmm.model.build import design as build_design
from models.mmm.model.design import Form, Scales
from models.mmm.model.lift_tests import Experiment, calibrate
from models.mmm.panel.panel import MMMData
from models.mmm.spec import MMMSpec
from models.warning import Warning

CLEAR = 3.0  # nats of log evidence by which a delayed carryover must beat the geometric one
SIMPLER = 1.0  # nats by which a curve of fixed shape must beat the Hill curve with a slope of its own
FLIP = 1.0  # nats below which two fixed curves count as equal, so that the form does not change from day to day
DELAY_REACH = 3  # a delayed carryover is followed over this many times the usual lag
FIXED_CURVES = ("logistic", "exponential", "hill")
NAMED_CURVES = {"michaelis_menten": "hill"}  # Michaelis-Menten is Hill with slope 1


def choose_form(
    data: MMMData, spec: MMMSpec, experiments: Sequence[Experiment], scales: Scales | None = None
) -> tuple[Form, list[Warning]]:
    """The response form as specified; for `auto` the most flexible one, unless the data clearly favour a simpler one.

    A channel's total is its curve extended from the observed spend down to zero. Where there are no data, a curve of
    fixed shape answers by assumption and with false certainty: so a channel that was never off keeps a slope of its
    own, and the others lose it only to a fixed curve that is clearly better. A delay is used on clear evidence, and
    only for the channels that need it. Forms are compared by the log evidence at the peak (Laplace approximation), with
    the regions' effects held equal, which keeps the search cheap.
    """
    reaches = {"geometric": taps(spec, data), "weibull": delayed_taps(data, spec)}
    narrow = spec.model_copy(update={"geo_effects": False})

    def evidence(form: Form) -> float:
        design = build_design(data, narrow, form, scales=scales)
        tests = calibrate(data, design.media, design.scales, experiments)
        return laplace.peak(layout.build(design, tests), laplace.start(design)).log_evidence

    def ranked(candidates: list[Form]) -> tuple[float, Form]:
        scores = [evidence(f) for f in candidates]
        at = 0
        for i in range(1, len(candidates)):
            at = i if scores[i] > scores[at] + FLIP else at
        return scores[at], candidates[at]

    def curve_of(fixed: list[Form], free: Form | None) -> tuple[float, Form]:
        if free is None:
            return ranked(fixed)
        score = evidence(free)
        if not fixed:
            return score, free
        simple, curve = ranked(fixed)
        return (simple, curve) if simple > score + SIMPLER else (score, free)

    first = "geometric" if spec.adstock == "auto" else spec.adstock
    fixed, free = _curves(data, spec, first, reaches.get(first, reaches["geometric"]))
    if spec.adstock != "auto" and len(fixed) + (free is not None) == 1:
        return free or fixed[0], []
    score, chosen = curve_of(fixed, free)
    if spec.adstock != "auto":
        return chosen, []
    gained = evidence(late := replace(chosen, adstock="weibull", taps=reaches["weibull"]))
    if gained <= score + CLEAR:
        return chosen, []
    late, gained = _without_needless_delay(late, gained, data, evidence)

    def delayed(form: Form) -> Form:  # under a wrong carryover the comparison of curves says little
        return replace(form, adstock="weibull", taps=late.taps, delayed=late.delayed)

    gained, late = curve_of([delayed(f) for f in fixed], delayed(free) if free else None)
    channels = late.delayed or data.media_names
    return late, [
        Warning.about(
            "shape_chosen_by_data",
            "medium",
            channels,
            f"The data clearly favour a delayed carryover of {', '.join(channels)} (log evidence"
            f" +{gained - score:.1f} over an effect that is strongest at once), so that form was used. The late part"
            " of such an effect is hard to separate from trend and season.",
            "Test these channels by region and measure for months; fix the form in MMMSpec to keep it from changing.",
        )
    ]


def delayed_taps(data: MMMData, spec: MMMSpec) -> int:
    """Periods over which a delayed carryover is followed: several times the usual lag, at most a third of the data."""
    short = taps(spec, data)
    return int(min(max(short, (short - 1) * DELAY_REACH + 1), max(len(data.dates) // 3, short)))


def plain_form(data: MMMData, spec: MMMSpec) -> Form:
    """The response form as specified, without a search: `auto` means geometric carryover and the logistic curve."""
    adstock = "geometric" if spec.adstock == "auto" else spec.adstock
    curve = "logistic" if spec.saturation == "auto" else NAMED_CURVES.get(spec.saturation, spec.saturation)
    reach = taps(spec, data) if adstock == "geometric" else delayed_taps(data, spec)
    return Form(adstock, curve, spec.free_slope is True, reach)


def _curves(data: MMMData, spec: MMMSpec, adstock: str, reach: int) -> tuple[list[Form], Form | None]:
    """Curves of fixed shape to be compared, and the one with a free slope, as far as the spec leaves them open."""
    curve = NAMED_CURVES.get(spec.saturation, spec.saturation)
    names = FIXED_CURVES if curve == "auto" else (curve,)
    free = Form(adstock, "hill", True, reach)
    if spec.saturation not in ("auto", "hill") or spec.free_slope is False:
        return [Form(adstock, name, False, reach) for name in names], None
    steady = data.never_dark()
    if spec.free_slope is True or len(steady) == len(data.media_names):
        return [], free
    return [Form(adstock, name, bool(steady), reach, sloped=steady or None) for name in names], free


def _without_needless_delay(
    best: Form, score: float, data: MMMData, evidence: Callable[[Form], float]
) -> tuple[Form, float]:
    """The form without a delay for each channel whose evidence does not suffer; a plain carryover is also cheaper."""
    delayed = list(data.media_names)
    for name in data.media_names:
        fewer = tuple(c for c in delayed if c != name)
        if fewer and (without := evidence(replace(best, delayed=fewer))) > score:
            delayed, score = list(fewer), without
    return replace(best, delayed=tuple(delayed)), score
