"""Channels that seem to take sales away: the usual belief excludes that; it is asked for and, when clear, allowed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.mmm.engine import laplace
from models.mmm.engine import layout as blocks
from models.mmm.fitting import robust
from models.mmm.model.build import LOG_LINK, Design, design
from models.mmm.model.lift_tests import Calibration
from models.mmm.spec import ChannelSpec, Normal
from models.warning import Warning

CLEAR, HINT = 2.0, 1.0  # standard errors below zero at which the sign is freed, and at which it is only said
WIDTH = 1.0  # sd of the two-sided belief, in means of the one-sided one it replaces


def free_negative(
    plan: Design, block: np.ndarray, peak: laplace.Peak, tests: Calibration
) -> tuple[Design, np.ndarray, laplace.Peak, list[Warning]]:
    """Design, block and peak with a two-sided belief for channels whose effect lies clearly below zero.

    All paid channels with the default belief are asked at once under two-sided beliefs of the same size; one whose
    effect is `CLEAR` standard errors below zero keeps it, one with only a hint is warned about and stays positive.
    """
    names = plan.data.media_names
    asked = [
        c for c, name in enumerate(names[: len(plan.data.channels)])
        if plan.effect.kind[c] == LOG_LINK and name not in plan.spec.channels
    ]  # fmt: skip
    if not asked:
        return plan, block, peak, []
    usual = np.exp(plan.effect.mu + plan.effect.sd**2 / 2) * plan.effect.scale_to_iroas * WIDTH
    widths = {names[c]: float(usual[c]) for c in asked}
    z = dict(zip(asked, _standard_errors(plan, peak, tests, widths)[asked], strict=True))
    if min(z.values()) < -HINT and plan.spec.likelihood == "auto":
        # one wild row can carry a sign: it is asked again with the weights that the fit will give such rows
        weighed = robust.reweigh(plan, tests, block, peak)[0]
        if weighed is not plan:
            z = dict(zip(asked, _standard_errors(weighed, peak, tests, widths)[asked], strict=True))
    below = [c for c in asked if z[c] < -CLEAR]
    found = [_hint(names[c], z[c]) for c in asked if -CLEAR <= z[c] < -HINT]
    if not below:
        return plan, block, peak, found
    freed, block, peak = _with_signs(plan, peak, tests, {names[c]: float(usual[c]) for c in below})
    return freed, block, peak, found + [_freed(names[c], z[c]) for c in below]


def _standard_errors(plan: Design, peak: laplace.Peak, tests: Calibration, widths: dict[str, float]) -> np.ndarray:
    """Each series' effect (C,) over its standard error under two-sided beliefs for the channels of `widths`."""
    loose, _, found = _with_signs(plan, peak, tests, widths)
    at = blocks.names(loose).index(f"effect[{plan.data.media_names[0]}]")
    here = slice(at, at + len(plan.media))
    return np.asarray(found.mode[here] / np.sqrt((found.factor**2).sum(axis=1))[here])


def _with_signs(
    plan: Design, peak: laplace.Peak, tests: Calibration, widths: dict[str, float]
) -> tuple[Design, np.ndarray, laplace.Peak]:
    beliefs = {name: ChannelSpec(signed_iroas=Normal(mu=0.0, sigma=sd)) for name, sd in widths.items()}
    spec = plan.spec.model_copy(update={"channels": {**plan.spec.channels, **beliefs}})
    sigma = float(plan.effect.sd[0]) if plan.effect.basis[0] == "iroas" else None
    loose = replace(design(plan.data, spec, plan.form, scales=plan.scales, sigma=sigma), weight=plan.weight)
    block, at = blocks.build(loose, tests), blocks.names(loose).index(f"effect[{plan.data.media_names[0]}]")
    begin = peak.mode.copy()  # everything as it was, but the effects: those start at nothing and may go either way
    begin[at : at + len(loose.media)] = laplace.start(loose)[at : at + len(loose.media)]
    return loose, block, laplace.peak(block, begin, blocks.names(loose))


def _freed(name: str, z: float) -> Warning:
    return Warning(
        "effect_below_zero", "high", name,
        f"Sales were lower when {name} ran ({z:.1f} standard errors below no effect), so its effect was allowed to be"
        " negative. Advertising rarely does that: more often it ran when demand was weak.",
        f"Find out when and why {name} was bought; test it before believing either sign.",
    )  # fmt: skip


def _hint(name: str, z: float) -> Warning:
    return Warning(
        "effect_near_zero", "medium", name,
        f"Left to themselves the data put the effect of {name} below zero ({z:.1f} standard errors), which the model"
        " excludes: its number is pushed up by that belief.",
        f"Do not read the range of {name} as evidence of a gain; test it, or give it a signed_iroas belief.",
    )  # fmt: skip
