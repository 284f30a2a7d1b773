"""How often AI answers cite the company: a share that moves over time and brings part of its revenue."""

from __future__ import annotations

from datetime import date

import numpy as np

START, GAIN, SETBACK = 0.10, 0.18, 0.05


def daily_share(days: list[date], rng: np.random.Generator) -> np.ndarray:
    """True share of core answers that cite us, per day, constant within an ISO week, between 0.02 and 0.6.

    It rises along an S-curve from about 10 to 28 per cent, drops by 5 points after four fifths of the window (an engine
    changes its sources), and fluctuates around that path.
    """
    week = np.array([(day.toordinal() - 1) // 7 for day in days])
    week -= week[0]
    count = int(week[-1]) + 1
    progress = np.arange(count) / max(count - 1, 1)
    path = START + GAIN / (1 + np.exp(-9 * (progress - 0.45))) - SETBACK * (progress >= 0.8)
    wander = np.empty(count)
    state = 0.0
    for index, shock in enumerate(rng.normal(0, 0.012, count)):
        state = 0.8 * state + shock
        wander[index] = state
    return np.clip(path + wander, 0.02, 0.6)[week]
