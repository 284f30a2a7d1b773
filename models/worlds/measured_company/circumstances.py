"""What one simulated company is like apart from its channels: every factor is drawn by itself, so that none runs with
another (hidden demand with the number of tests, say)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Curve = Literal["as assumed", "s-shaped", "exponential", "delayed", "drifting", "follows demand"]
ClaimLaw = Literal["additive", "multiplicative", "flat factor", "permuted classes", "wild"]
TruthLaw = Literal["published ranges", "shifted classes"]

HIDDEN_DEMAND = (0.0, 0.04, 0.08)
CURVES: tuple[Curve, ...] = ("as assumed", "s-shaped", "exponential", "delayed", "drifting", "follows demand")
CURVE_SHARES = (0.30, 0.14, 0.14, 0.14, 0.14, 0.14)
CLAIM_LAWS: tuple[ClaimLaw, ...] = ("additive", "multiplicative", "flat factor", "permuted classes", "wild")
CLAIM_SHARES = (0.35, 0.30, 0.10, 0.10, 0.15)
TEST_SHARES = (0.18, 0.20, 0.24, 0.20, 0.18)


@dataclass(frozen=True)
class Circumstances:
    """One level of each factor.

    `hidden_demand` is the standard deviation (log scale) of an AR(1) demand wave that nobody exports and that moves
    both sales and demand-following budgets; `demand_proxy` exports a noisy measure of it. `tests` counts finished
    experiments, 0 to 4. `noise` is the weekly standard deviation of sales as a share of the baseline, `noise_df` its
    Student degrees of freedom (None: Normal).
    """

    weeks: int
    hidden_demand: float
    demand_proxy: bool
    curve: Curve
    claims: ClaimLaw
    truths: TruthLaw
    tests: int
    noise: float
    noise_df: float | None
    constant_channel: bool
    late_channel: bool


def circumstances(rng: np.random.Generator) -> Circumstances:
    """One independent draw of every factor."""
    return Circumstances(
        weeks=int(rng.choice([104, 130, 156])),
        hidden_demand=float(rng.choice(HIDDEN_DEMAND)),
        demand_proxy=bool(rng.random() < 0.4),
        curve=CURVES[rng.choice(len(CURVES), p=CURVE_SHARES)],
        claims=CLAIM_LAWS[rng.choice(len(CLAIM_LAWS), p=CLAIM_SHARES)],
        truths=("published ranges", "shifted classes")[int(rng.random() < 0.5)],
        tests=int(rng.choice(len(TEST_SHARES), p=TEST_SHARES)),
        noise=float(np.exp(rng.uniform(np.log(0.006), np.log(0.04)))),
        noise_df=4.0 if rng.random() < 0.25 else None,
        constant_channel=bool(rng.random() < 0.5),
        late_channel=bool(rng.random() < 0.25),
    )
