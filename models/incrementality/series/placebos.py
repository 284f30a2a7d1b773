"""The same read on earlier windows, where nothing was done: how much wider its range must be to be believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from models.incrementality.result import Check

MOST_FACTOR = 1.5  # beyond it the model misses too much for its range to be mended by widening
CUTS = 5
ALLOWANCE = 1.1  # a factor from a few overlapping windows is itself uncertain; without it drifting levels miss in 14 %
EARLIEST = 0.4  # of the history, before the first placebo window
HISTORIES = 3  # history over window below which overlapping placebo windows are hardly more than one


@dataclass(frozen=True)
class Placebo:
    """A read on the window that starts at period `cut`: its error per period and over its own standard deviation."""

    cut: int
    error: float
    standardised: float


@dataclass(frozen=True)
class PlaceboFactor:
    """By how much earlier reads missed, as the root mean square of their standardised errors."""

    placebos: tuple[Placebo, ...]
    enough: bool

    @property
    def observed(self) -> float:
        """NaN where no earlier window could be read."""
        if not self.placebos:
            return float("nan")
        return sqrt(float(np.mean([placebo.standardised**2 for placebo in self.placebos])))

    @property
    def factor(self) -> float:
        """What every scale of the read is multiplied by; never below the allowance for its own uncertainty."""
        return ALLOWANCE * max(1.0, self.observed) if self.placebos else ALLOWANCE

    def check(self, fitting: Sequence[str]) -> Check:
        """Fails, and invalidates the read, when earlier reads missed too far or were impossible; with a control that
        fits, missing history only lowers the grade."""
        if self.enough:
            passed, hard = self.observed <= MOST_FACTOR, True
            message = (
                f"the same read on {len(self.placebos)} earlier windows, where nothing was done, missed by"
                f" {self.observed:.1f} times what its range allows: the range is a lower bound of the uncertainty"
            )
        else:
            passed, hard = False, not fitting
            message = (
                "the history is too short to try the read on earlier windows, where nothing was done (three times the"
                " window's length are needed)" + (", and no control follows the KPI" if not fitting else "")
            )
        return Check(
            "placebo_in_time",
            passed,
            hard,
            self.observed,
            MOST_FACTOR,
            message,
            "Add what changed then as a control, deliver a longer history, or run a test with a control group.",
        )


def placebo_cuts(history: int, length: int, *, fewest: int) -> list[int]:
    """Starts of up to five placebo windows, the last one ending where the real window begins.

    Every cut has at least `fewest` periods before it.
    """
    first = max(round(EARLIEST * history), fewest)
    last = history - length
    if last < first:
        return []
    return sorted({round(cut) for cut in np.linspace(first, last, CUTS)})


def enough_history(history: int, length: int, placebos: Sequence[Placebo]) -> bool:
    """Whether the placebos of this history can judge a window of this length."""
    return len(placebos) >= 2 and history >= HISTORIES * length
