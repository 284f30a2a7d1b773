"""Rescaling a test to the report's estimand: the part of the full, average return that it could measure."""

from __future__ import annotations

import numpy as np

from models.error import PlumblineError


class EstimandError(PlumblineError, ValueError):
    """A test that cannot be put on the report's estimand."""


def carryover_share(half_life: float, duration: float, cooldown: float = 0.0) -> float:
    """Share of the effect of constant spend over a test that lands inside the test and its cool-down.

    Geometric carryover with `half_life`, all three in the same periods; the effect of the spend of period i
    has 1 - 2^(-(periods left) / half_life) of itself behind it at the end, averaged over the test's
    periods. 1 without carryover. Raises ValueError unless half_life >= 0, duration >= 1 and cooldown >= 0.
    """
    if half_life < 0 or duration < 1 or cooldown < 0:
        raise EstimandError(f"half_life={half_life}, duration={duration}, cooldown={cooldown}: need >= 0, >= 1, >= 0")
    if half_life == 0:
        return 1.0
    left = np.arange(1, round(duration) + 1) + cooldown
    return float(np.mean(1 - 0.5 ** (left / half_life)))


def curve_share(multiplier: np.ndarray, response: np.ndarray, tested: float) -> float:
    """Return of the tested change in spend over the average return at today's spend, on one response curve.

    `multiplier` (n,) are spend levels relative to today (0 and 1 among them, ascending), `response` (n,)
    the incremental KPI at each, `tested` the spend of the test relative to what it would have been: 0 for a
    go-dark, 2 for a doubling. A go-dark measures the average return itself (1); a heavy-up on a saturating
    curve less. Beyond the last level the curve is taken as flat. Raises ValueError when the test changed
    nothing or the curve is not positive at today's spend.
    """
    today = float(np.interp(1.0, multiplier, response))
    if today <= 0:
        raise EstimandError(f"the response at today's spend is {today}: a share of it has no meaning")
    if abs(tested - 1) < 1e-9:
        raise EstimandError(f"tested={tested}: the test did not change the spend")
    change = float(np.interp(tested, multiplier, response)) - today
    return change / (tested - 1) / today
