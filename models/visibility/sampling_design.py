"""What a panel of questions can tell before it is asked: precision and smallest detectable change of a design."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.normal_quantile import half_width
from models.visibility.intervals import ASSUMED_ICC, wilson

# Variance of a mention within one question, over repeats. Measured on 792 answers of two consumer engines (0.175 and
# 0.124); assumed for other engines and markets until a month of own answers has replaced it.
ASSUMED_WITHIN_VARIANCE = 0.15
POWER_80_TWO_SIDED_5 = 2.8  # z(0.975) + z(0.80)
ASSUMED_RATE = 0.35


@dataclass(frozen=True)
class Design:
    """A week of asking: `prompts` per engine, `runs` answers per prompt and engine in the week, `engines`.

    Raises ValueError unless all are at least 1.
    """

    prompts: int
    runs: int
    engines: int

    def __post_init__(self) -> None:
        if min(self.prompts, self.runs, self.engines) < 1:
            raise ValueError(f"{self}: prompts, runs and engines must be at least 1")

    @property
    def answers(self) -> int:
        """Answers per week."""
        return self.prompts * self.runs * self.engines


def smallest_detectable_change(
    design: Design, *, engines: int = 1, base_weeks: int = 1, within_variance: float = ASSUMED_WITHIN_VARIANCE
) -> float:
    """Smallest true change of a rate (share, 0 to 1) that a paired comparison finds in 80 % of cases.

    The week is compared with the mean of `base_weeks` equal weeks before it, the same questions in both, at 5 % two-
    sided. With several `engines` the same shift in each of them is assumed. Source: normal approximation,
    2.8 sqrt(v (1/n + 1/n_base)), n = prompts x runs x engines.
    """
    if not 1 <= engines <= design.engines or base_weeks < 1:
        raise ValueError(f"engines={engines}, base_weeks={base_weeks}: need 1 to {design.engines} engines, a base week")
    n = design.prompts * design.runs * engines
    return float(POWER_80_TWO_SIDED_5 * np.sqrt(within_variance * (1 / n + 1 / (n * base_weeks))))


def panel_half_width(design: Design, *, level: float = 0.90, within_variance: float = ASSUMED_WITHIN_VARIANCE) -> float:
    """Half the range of one engine's rate for exactly these questions (share, 0 to 1)."""
    return float(half_width(level) * np.sqrt(within_variance / (design.prompts * design.runs)))


def category_half_width(
    design: Design, *, level: float = 0.90, rate: float = ASSUMED_RATE, icc: float = ASSUMED_ICC
) -> float:
    """Half the range of one engine's rate for new questions like these, at a true `rate` (shares, 0 to 1).

    Source: Wilson's interval on n / deff, deff = 1 + (runs - 1) icc.
    """
    deff = 1 + (design.runs - 1) * icc
    low, high = wilson(rate, design.prompts * design.runs / deff, level)
    return (high - low) / 2
