"""p-value and interval as two readings of one statistic: the treated t among the t's of the placebos."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import isinf
from typing import Literal

import numpy as np

Form = Literal["rank", "t"]


def exact_alpha(level: float) -> Fraction:
    """1 - level without the rounding error of floats: .9 leaves exactly 1/10."""
    if not 0.5 <= level < 1:
        raise ValueError(f"level={level}: a confidence level lies between 0.5 and 1, e.g. 0.9 for 90 %")
    return 1 - Fraction(level).limit_denominator(10_000)


def normal_quantile(level: float) -> float:
    """Half-width of a two-sided normal interval in standard errors: 1.645 for a level of 0.9."""
    from scipy import stats

    return float(stats.norm.ppf(1 - float(exact_alpha(level)) / 2))


@dataclass(frozen=True)
class Inversion:
    """`critical` is the half-width of the interval in units of the treated geo's own noise.

    Zero lies inside tau +- critical * spread exactly when p_value > 1 - level. `critical` is infinite in the rank
    form when there are fewer than 1/alpha - 1 placebos.
    """

    form: Form
    p_value: float
    critical: float

    @property
    def unbounded(self) -> bool:
        return isinf(self.critical)


def rank_form(statistic: float, placebos: np.ndarray, level: float) -> Inversion:
    """Share of placebos at least as extreme, the treated one counted among them; interval by exact inversion."""
    ordered = np.sort(np.abs(placebos))
    count = ordered.size
    p_value = (1 + int((ordered >= abs(statistic)).sum())) / (count + 1)
    position = count + 1 - int(exact_alpha(level) * (count + 1))
    critical = float(ordered[position - 1]) if position <= count else float("inf")
    return Inversion("rank", p_value, critical)


def t_form(statistic: float, placebos: np.ndarray, level: float) -> Inversion:
    """The treated t against the root mean square of the placebos' t, with Student's tails for their number.

    For few placebos, where ranks cannot reach the level; conservative when controls differ much in noise.
    """
    from scipy import stats

    count = placebos.size
    kappa = float(np.sqrt((placebos**2).mean() * (1 + 1 / count)))
    alpha = float(exact_alpha(level))
    return Inversion(
        "t",
        float(2 * stats.t.sf(abs(statistic) / kappa, count)),
        float(stats.t.ppf(1 - alpha / 2, count)) * kappa,
    )


def usual_form(count: int, level: float) -> Form:
    """Ranks once there are at least 2/alpha - 1 placebos, else Student's t."""
    return "rank" if count >= 2 / exact_alpha(level) - 1 else "t"


def invert(statistic: float, placebos: np.ndarray, level: float, form: Form | None = None) -> Inversion:
    """The reading that the number of placebos allows, or the named one."""
    chosen = form or usual_form(placebos.size, level)
    return (rank_form if chosen == "rank" else t_form)(statistic, placebos, level)
