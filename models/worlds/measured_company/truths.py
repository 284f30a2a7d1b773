"""True returns, carryover and curves of the simulated companies: wider than the inference's priors, and shifted.

They come from `models.worlds.true_returns`, never from `models.channel_classes`, or the benchmark would agree with
whatever the inference assumes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.worlds.measured_company.circumstances import TruthLaw
from models.worlds.true_returns import LOWEST_RETURN, TRUE_RETURNS, TrueReturn

WIDER = 1.3  # factor on published spreads that the table of true returns has not widened itself
CLASS_SHIFT = 0.4  # sd of the shift of a class's log median, drawn anew for every company
COMPANY_SD = 0.25  # sd of a factor on all returns of one company (log scale)
HARMFUL = 0.35  # share of the channels without a gain that lose sales
NEAR_ZERO = 0.05  # sd of the contribution return of useless channels
MARGINAL_SD = 0.6  # sd of the logit of marginal over average return


@dataclass(frozen=True)
class ChannelTruth:
    """One channel: planned contribution return, half-life in weeks, marginal over average return."""

    contribution_return: float
    half_life: float
    marginal: float


def truths(classes: Sequence[str], law: TruthLaw, rng: np.random.Generator) -> tuple[ChannelTruth, ...]:
    """One truth per channel.

    `published ranges` draws uniformly over each class's range; `shifted classes` draws log-normally around a class
    median that is shifted anew for every company, within twice the range. Either way a share between one and two times
    the published one has no gain, and a part of those loses sales; all returns of a company share a factor.
    """
    shifts = {name: rng.normal(0, CLASS_SHIFT) for name in sorted(set(classes))}
    company = rng.normal(0, COMPANY_SD)
    lump = rng.uniform(1, 2)
    drawn = []
    for name in classes:
        about = TRUE_RETURNS[name]
        drawn.append(
            ChannelTruth(
                contribution_return=_contribution_return(about, law, lump, shifts[name] + company, rng),
                half_life=float(about.half_life_weeks * np.exp(rng.normal(0, WIDER * about.half_life_log_sd))),
                marginal=_share(np.log(about.marginal_share / (1 - about.marginal_share)) + rng.normal(0, MARGINAL_SD)),
            )
        )
    return tuple(drawn)


def _contribution_return(
    about: TrueReturn, law: TruthLaw, lump: float, shift: float, rng: np.random.Generator
) -> float:
    if rng.random() < min(lump * about.no_effect, 0.7):
        return float(rng.uniform(LOWEST_RETURN, 0) if rng.random() < HARMFUL else rng.normal(0, NEAR_ZERO))
    if law == "published ranges":
        return float(rng.uniform(about.low, about.high) * np.exp(shift / 2))
    drawn = about.median * np.exp(shift + rng.normal(size=100) * about.log_sd)
    inside = drawn[drawn < 2 * about.high]
    return float(inside[0]) if inside.size else about.median


def _share(logit: float) -> float:
    return float(np.clip(1 / (1 + np.exp(-logit)), 0.1, 0.95))
