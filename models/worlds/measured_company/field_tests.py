"""Geo experiments: a part of the market goes dark or doubles its spend, and the reading of it, sound or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Design = Literal["rct", "quasi"]
Fault = Literal["none", "underpowered", "unit", "margin for revenue", "contaminated", "botched", "contradicts"]

FAULTS: tuple[Fault, ...] = (
    "none",
    "underpowered",
    "unit",
    "margin for revenue",
    "contaminated",
    "botched",
    "contradicts",
)
FAULT_SHARES = (0.60, 0.12, 0.06, 0.05, 0.06, 0.06, 0.05)
UNITS = (100.0, 0.01, 12.0, 1 / 12, 0.6)
DESIGN_ERROR = {"rct": 0.05, "quasi": 0.25}  # log sd of what a design gets wrong beyond its stated error
DARK = 0.7  # share of tests that switch the channel off; the others raise its spend
HEAVY_UP = 1.8
USUAL_SHARE = 0.10  # a channel with this share of spend is read with the standard error drawn; smaller ones worse


@dataclass(frozen=True)
class Plan:
    """What a test did: weeks [start, end) of `channel` in a separate part `market` of the market, spend x `factor`."""

    channel: int
    design: Design
    start: int
    end: int
    cooldown: int
    market: float
    factor: float


@dataclass(frozen=True)
class Reading:
    """What its report says, in revenue per unit of spend moved; `fault` is known to the simulator alone."""

    iroas: float
    se: float
    fault: Fault


def plans(count: int, spend_shares: np.ndarray, weeks: int, rng: np.random.Generator) -> list[Plan]:
    """`count` tests of different channels, the larger ones more often; never-tested channels stay the majority."""
    chance = spend_shares**0.7
    count = min(count, max(len(spend_shares) // 2, 1))
    chosen = rng.choice(len(spend_shares), size=count, replace=False, p=chance / chance.sum())
    return [_plan(int(c), weeks, rng) for c in chosen]


def repeated(plan: Plan, weeks: int, rng: np.random.Generator) -> Plan:
    """A second test of the same channel at another time in another part of the market."""
    return _plan(plan.channel, weeks, rng)


def _plan(channel: int, weeks: int, rng: np.random.Generator) -> Plan:
    length = int(rng.integers(3, 9))
    cooldown = int(rng.choice([0, 2]))
    start = int(rng.integers(weeks // 4, weeks - length - cooldown))
    return Plan(
        channel=channel,
        design="rct" if rng.random() < 0.4 else "quasi",
        start=start,
        end=start + length,
        cooldown=cooldown,
        market=float(rng.uniform(0.06, 0.18)),
        factor=0.0 if rng.random() < DARK else HEAVY_UP,
    )


def reading(
    plan: Plan, true: float, *, spend_share: float, margin: float, fault: Fault | None, rng: np.random.Generator
) -> Reading:
    """One report on a test whose window truly returned `true` per unit of spend moved.

    Standard errors are those of published trials (Lewis and Rao 2015: .13 and more in contribution return), larger for
    channels with little spend. `fault` None draws one.
    """
    if fault is None:
        fault = FAULTS[rng.choice(len(FAULTS), p=FAULT_SHARES)]
    size = float(np.clip((spend_share / USUAL_SHARE) ** -0.4, 0.6, 2.5))
    se = float(np.exp(rng.uniform(np.log(0.12), np.log(0.45))) * size / margin)
    if fault == "underpowered":
        se *= 3
    design_error = true * DESIGN_ERROR[plan.design] * rng.normal()
    found = true + design_error + se * rng.normal()
    if fault == "contaminated":
        found *= rng.uniform(0.6, 0.8)
    elif fault == "botched":
        found += se * rng.uniform(4, 6) * rng.choice([-1, 1])
    elif fault == "contradicts":
        found += 4 * se * rng.choice([-1, 1])
    elif fault == "margin for revenue":
        found, se = found * margin, se * margin
    elif fault == "unit":
        factor = float(rng.choice(UNITS))
        found, se = found * factor, se * factor
    return Reading(float(found), float(se), fault)
