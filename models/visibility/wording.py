"""How much of the variation of answers is wording: components for questions asked in several wordings and runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class WordingShares:
    """Shares of the variance of an event between items (brand and question), wordings of a question, and re-runs."""

    item: float
    wording: float
    rerun: float
    items: int


def wording_shares(events: np.ndarray) -> WordingShares | None:
    """Balanced moments over `events` (items, wordings, runs) of zeros and ones; None when nothing varies.

    Mean squares of runs within wordings, of wordings within items and of items; components below zero count as zero.
    An item is a brand in a question that at least one answer names. Needs two of each; raises ValueError otherwise.
    """
    items, wordings, runs = events.shape
    if min(items, wordings, runs) < 2:
        raise ValueError(f"events of shape {events.shape}: need at least two items, wordings and runs")
    by_wording = events.mean(axis=2)
    by_item = by_wording.mean(axis=1)
    ms_run = float(np.sum((events - by_wording[..., None]) ** 2)) / (items * wordings * (runs - 1))
    ms_wording = runs * float(np.sum((by_wording - by_item[:, None]) ** 2)) / (items * (wordings - 1))
    ms_item = wordings * runs * float(np.sum((by_item - by_item.mean()) ** 2)) / (items - 1)
    wording = max(0.0, (ms_wording - ms_run) / runs)
    item = max(0.0, (ms_item - ms_wording) / (wordings * runs))
    total = item + wording + ms_run
    return WordingShares(item / total, wording / total, ms_run / total, items) if total > 0 else None
