"""How long a pattern stays valid: drift of effects, expiry, fading, and the alarm when recent tests disagree."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
from scipy.special import ndtr

from models.patterns.contrasts import Cells, raw_effect
from models.patterns.estimates import Estimate

Z_80 = 0.8416  # one-sided: the effect is still positive with a probability of 80 %


def life_days(estimate: Estimate, cap_days: int) -> int:
    """Days after the last data for which the effect keeps its sign with a probability of at least 80 %.

    Solves mean / sqrt(sd^2 + drift^2 t) = 0.8416 for t, at most `cap_days`, 0 when it is already less likely.
    """
    if estimate.drift_sd_per_year <= 0:
        return cap_days
    room = (estimate.shrunk / Z_80) ** 2 - estimate.sd**2
    if room <= 0 or estimate.shrunk <= 0:
        return 0
    return min(cap_days, int(365.25 * room / estimate.drift_sd_per_year**2))


def change_z(cells: Cells, sign: int, cut: date) -> tuple[float, float] | None:
    """(effect since `cut`, z of that effect against the older one), both in the card's sign; None if either has too
    few briefs.

    z below -2.5 with a negative recent effect is the change alarm.
    """
    late = cells.week >= np.datetime64(cut)
    recent, older = raw_effect(cells.where(late)), raw_effect(cells.where(~late))
    if recent is None or older is None:
        return None
    return sign * recent.b, sign * (recent.b - older.b) / float(np.hypot(recent.se, older.se))


def p_fading(cells: Cells, sign: int, drift_sd_per_year: float) -> float:
    """Probability that the effect shrinks over time: slope of the cell effects per year, prior N(0, drift^2).

    0.5 when the data are uninformative; `sign` is the card's.
    """
    if len(cells.week) < 3 or len(np.unique(cells.week)) < 2 or drift_sd_per_year <= 0:
        return 0.5
    years = (cells.week - cells.week.min()) / np.timedelta64(1, "D") / 365.25
    w, y = cells.den, sign * cells.num / cells.den
    t = years - np.average(years, weights=w)
    spread = float(np.sum(w * t**2))
    centred = y - np.average(y, weights=w)
    slope = float(np.sum(w * t * centred)) / spread
    variance = float(np.sum((w * t * (centred - slope * t)) ** 2)) / spread**2
    variance = max(variance, 1 / spread)
    kappa = drift_sd_per_year**2 / (drift_sd_per_year**2 + variance)
    return float(ndtr(-slope * kappa / np.sqrt(kappa * variance)))


def drift_sd(early: pl.DataFrame, late: pl.DataFrame) -> float:
    """Standard deviation of true effects between two periods, by moments, on the scale of the effects.

    `early`: feature, shrunk, sd (a posterior); `late`: feature, raw, raw_se (unshrunk, from later tests only).
    0 when sampling error explains the difference. Divide by the square root of the gap in years for a yearly rate.
    """
    both = early.select("feature", "shrunk", "sd").join(late.select("feature", "raw", "raw_se"), on="feature")
    noise = both["raw_se"] ** 2 + both["sd"] ** 2
    weight = 1 / noise
    excess = float((weight * ((both["raw"] - both["shrunk"]) ** 2 - noise)).sum()) / float(weight.sum())
    return float(np.sqrt(max(0.0, excess)))


def monday(day: date) -> date:
    """The Monday of a day's week."""
    return day - timedelta(days=day.weekday())
