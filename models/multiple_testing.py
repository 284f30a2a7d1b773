"""Many comparisons at once: the one place for corrected p-values and for the ranges that go with them.

Which comparisons belong to one family is the caller's decision; nothing here knows what was compared.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.error import PlumblineError


class PValueError(PlumblineError, ValueError):
    """A p-value that is not a number between 0 and 1, so that no correction of its family is possible."""


def holm(p_values: Sequence[float] | np.ndarray) -> list[float]:
    """Holm's adjusted p-values, in the order given; empty for no p-value.

    Calling every comparison with an adjusted p-value of at most `alpha` a finding has at most `alpha` chance of any
    false finding, however the comparisons depend on each other. Raises PValueError for a p-value outside 0 to 1 or
    NaN. Source: Holm (1979).
    """
    checked = _checked(p_values)
    order = np.argsort(checked, kind="stable")
    adjusted = np.empty_like(checked)
    factors = np.arange(checked.size, 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(factors * checked[order]), 1.0)
    return [float(p) for p in adjusted]


def benjamini_hochberg(p_values: Sequence[float] | np.ndarray) -> list[float]:
    """Benjamini-Hochberg adjusted p-values (often written q), in the order given; empty for no p-value.

    Calling every comparison with an adjusted p-value of at most `alpha` a finding makes at most the share `alpha` of
    the findings false on average, for independent or positively dependent comparisons. Raises PValueError for a
    p-value outside 0 to 1 or NaN. Source: Benjamini and Hochberg (1995), by `scipy.stats.false_discovery_control`.
    """
    from scipy import stats

    checked = _checked(p_values)
    # scipy's answer for a single p-value is a scalar, and it has none for an empty family.
    return [float(p) for p in stats.false_discovery_control(checked)] if checked.size > 1 else checked.tolist()


def simultaneous_level(level: float, count: int) -> float:
    """Level of each of `count` ranges so that all of them hold together with `level` (Bonferroni; goes with Holm).

    Raises ValueError for a count below one.
    """
    if count < 1:
        raise ValueError(f"count={count}: at least one range is needed")
    return 1 - (1 - level) / count


def _checked(p_values: Sequence[float] | np.ndarray) -> np.ndarray:
    checked = np.array(p_values, dtype=float)
    for position, p in enumerate(checked):
        if not 0 <= p <= 1:
            raise PValueError(
                f"p-value number {position + 1} of {checked.size} is {p:g}, not a number between 0 and 1",
                value=float(p),
                fix="leave out the comparison that could not be computed before correcting the others",
            )
    return checked
