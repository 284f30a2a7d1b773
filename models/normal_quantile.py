"""How many standard errors a normal interval extends on each side of its centre: one rule for every level."""

from __future__ import annotations

from scipy.special import ndtri


def half_width(level: float) -> float:
    """Half-width of the central `level` interval of a standard normal: 1.6449 for 0.90, 1.9600 for 0.95.

    Also the one-sided quantile at (1 + level) / 2, so a one-sided 95 % bound uses `half_width(0.90)`.
    Raises ValueError unless 0 < level < 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"level={level}: the level of an interval is between 0 and 1")
    return float(ndtri(0.5 + level / 2))
