"""The average frequency at which a given number of exposures has the largest effect."""

from __future__ import annotations

import numpy as np
import polars as pl

from models.mmm.model.response import saturated
from models.mmm.result.fit import MMMFit

STEPS = 200


def optimal_frequency(fit: MMMFit, *, most_draws: int = 1000) -> pl.DataFrame:
    """Best average frequency of each reach channel for its number of exposures, within the observed range.

    Columns: channel, now (average exposures per person reached), q05, q50, q95 (best frequency over draws), gain (mean
    effect at the median best frequency over the effect as bought, 1 = no gain), at_edge (share of draws whose best lies
    at an end of the observed range: the data then say only the direction). Exposures are held fixed: a higher frequency
    reaches fewer people. Empty without reach channels.
    """
    design, draws = fit.design, fit.draws.thin(most_draws)
    rows = []
    for c in np.flatnonzero(fit.data.by_frequency):
        assert design.frequency is not None
        reach, often = design.media[c] * design.scales.size[:, None], design.frequency[c]
        seen = reach > 0
        grid = np.linspace(often[seen].min(), often[seen].max(), STEPS)
        half, slope = draws.half_saturation[:, c], draws.slope[:, c]

        def effect_at(level: np.ndarray, half: np.ndarray = half, slope: np.ndarray = slope) -> np.ndarray:
            return saturated("hill", np.broadcast_to(level, (len(half), *level.shape)), half, slope)

        per_exposure = effect_at(grid) / grid
        exposures = float((reach * often).sum())
        bought = (effect_at(often[seen]) * reach[seen]).sum(axis=1)
        best = per_exposure.argmax(axis=1)
        low, middle, high = np.quantile(grid[best], [0.05, 0.5, 0.95])
        chosen = int(np.abs(grid - middle).argmin())
        gain = float((per_exposure[:, chosen] * exposures / bought).mean())
        edge = float(((best == 0) | (best == STEPS - 1)).mean())
        rows.append((fit.data.media_names[c], exposures / float(reach.sum()), low, middle, high, gain, edge))
    schema = {"channel": pl.String, **dict.fromkeys(("now", "q05", "q50", "q95", "gain", "at_edge"), pl.Float64)}
    return pl.DataFrame(rows, schema=schema, orient="row")
