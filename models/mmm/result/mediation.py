"""How much of a channel's effect runs through a mediator such as brand searches: direct, mediated and total.

The total is what the channel's iROAS and contribution mean everywhere else. The split rests on one assumption more than
the total: nothing unseen moves both the mediator and the KPI once trend, season and controls are taken out.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from models.mmm.panel.error import MMMError
from models.mmm.result.contributions import media_sums, mediated_sums
from models.mmm.result.fit import MMMFit


def mediation(fit: MMMFit, *, most_draws: int = 2000) -> pl.DataFrame:
    """Incremental KPI over the window by path: channel, path, mean, sd, q05, q50, q95.

    Paths are `direct`, `through <mediator>` and `total`; direct + through = total in every draw. A direct part below
    zero means that the channel moves the mediator more than the KPI shows. Raises ValueError without mediators.
    """
    data = fit.data
    if data.mediator_paths is None or fit.draws.mediated is None:
        raise MMMError("no mediator was given to MMMData.from_frame, so there is nothing to split")
    draws = fit.draws.thin(most_draws)
    labels = np.zeros(fit.design.y.shape, dtype=np.int64)
    total = media_sums(fit.design, draws, fit.design.media, labels, 1)[:, 0]
    through = np.stack([mediated_sums(fit.design, draws, m, labels, 1)[:, 0] for m in range(len(data.mediator_names))])
    rows = []
    for c, channel in enumerate(data.media_names):
        if not data.mediator_paths[:, c].any():
            continue
        paths = {"direct": total[:, c] - through[:, :, c].sum(axis=0)}
        paths |= {
            f"through {n}": through[m, :, c] for m, n in enumerate(data.mediator_names) if data.mediator_paths[m, c]
        }
        for path, values in {**paths, "total": total[:, c]}.items():
            low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
            rows.append((channel, path, values.mean(), values.std(ddof=1), low, middle, high))
    return pl.DataFrame(rows, schema=["channel", "path", "mean", "sd", "q05", "q50", "q95"], orient="row")
