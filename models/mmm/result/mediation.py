"""How much of a channel's effect runs through a mediator such as brand searches: direct, mediated and total.

The total is what the channel's iROAS and contribution mean everywhere else. The split rests on one assumption more than
the total: nothing unseen moves both the mediator and the KPI once trend, season and controls are taken out.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from models.mmm.model.build import Design
from models.mmm.result.posterior import Posterior, media_sums
from models.warning import Warning

if TYPE_CHECKING:
    from models.mmm.result.fit import MMMFit


def mediated_sums(plan: Design, draws: Posterior, mediator: int, labels: np.ndarray, count: int) -> np.ndarray:
    """Incremental KPI (D, count, C) that reached the KPI through one mediator, summed over cells that share a label."""
    assert draws.mediated is not None
    through = np.repeat(draws.mediated[:, mediator, :, None], len(plan.data.geos), axis=2)
    return media_sums(plan, replace(draws, beta_geo=through), plan.media, labels, count)


def with_own_lines(
    plan: Design, draws: Posterior, labels: np.ndarray, lines: tuple[str, ...], sums: np.ndarray
) -> tuple[tuple[str, ...], np.ndarray]:
    """Baseline lines with one more per mediator: what it brought by itself, media's part taken out.

    The model knows a mediator as its distance from the usual; what the usual level brings moves from the line
    `baseline` to the mediator's own.
    """
    assert draws.passed_on is not None
    assert plan.mediators is not None
    cells = labels >= 0
    unit = np.broadcast_to((plan.scales.size * plan.scales.kpi)[:, None], labels.shape)
    count = sums.shape[1]
    usual = np.bincount(labels[cells], weights=unit[cells], minlength=count)
    out, base = sums.copy(), lines.index("baseline")
    own = []
    for m, series in enumerate(plan.mediators):
        volume = np.bincount(labels[cells], weights=(series * unit)[cells], minlength=count)
        out[:, :, base] -= draws.passed_on[:, m, None] * usual
        own.append(draws.passed_on[:, m, None] * volume - mediated_sums(plan, draws, m, labels, count).sum(axis=2))
    return (*lines, *plan.data.mediator_names), np.concatenate([out, np.stack(own, axis=2)], axis=2)


def split(fit: MMMFit, *, most_draws: int = 2000) -> pl.DataFrame:
    """Incremental KPI over the window by path: channel, path, mean, sd, q05, q50, q95.

    Paths are `direct`, `through <mediator>` and `total`; direct + through = total in every draw. A direct part below
    zero means that the channel moves the mediator more than the KPI shows. Raises ValueError without mediators.
    """
    data = fit.data
    if data.mediator_paths is None or fit.draws.mediated is None:
        raise ValueError("no mediator was given to MMMData.from_frame, so there is nothing to split")
    draws = fit.draws.thin(most_draws)
    labels = np.zeros(fit.design.y.shape, dtype=np.int64)
    total = media_sums(fit.design, draws, fit.design.media, labels, 1)[:, 0]
    through = np.stack([mediated_sums(fit.design, draws, m, labels, 1)[:, 0] for m in range(len(data.mediator_names))])
    rows = []
    for c, channel in enumerate(data.media_names):
        if not data.mediator_paths[:, c].any():
            continue
        paths = {"direct": total[:, c] - through[:, :, c].sum(axis=0)}
        paths |= {f"through {n}": through[m, :, c] for m, n in enumerate(data.mediator_names)
                  if data.mediator_paths[m, c]}  # fmt: skip
        for path, values in {**paths, "total": total[:, c]}.items():
            low, middle, high = np.quantile(values, [0.05, 0.5, 0.95])
            rows.append((channel, path, values.mean(), values.std(ddof=1), low, middle, high))
    return pl.DataFrame(rows, schema=["channel", "path", "mean", "sd", "q05", "q50", "q95"], orient="row")


def check(fit: MMMFit) -> list[Warning]:
    """What a reader of the split has to know: its assumption, and a direct part that is probably below zero."""
    if fit.draws.mediated is None:
        return []
    table = split(fit, most_draws=500)
    found = [Warning(
        "mediated_split_assumption", "info", ", ".join(table["channel"].unique(maintain_order=True)),
        f"How much runs through {' and '.join(fit.data.mediator_names)} is right only if nothing unseen (press, word of"
        " mouth) moves both that series and sales. The totals do not depend on it.",
        "Decide by the total; use the split to explain it.",
    )]  # fmt: skip
    for row in table.filter((pl.col("path") == "direct") & (pl.col("q95") < 0)).iter_rows(named=True):
        found.append(Warning(
            "direct_effect_negative", "medium", row["channel"],
            f"{row['channel']} moves {' and '.join(fit.data.mediator_names)} more than sales show: its direct effect"
            " comes out below zero.",
            f"Look for demand that moves sales and {' and '.join(fit.data.mediator_names)} together, and declare it as"
            " a confounder.",
        ))  # fmt: skip
    return found
