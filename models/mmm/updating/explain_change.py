"""Why a channel's number moved between two fits: new rows, restated rows, or the model itself.

Each part is a difference of posterior means along one path: the earlier fit, the same draws under restated old rows,
the same draws under all rows of today, today's fit. The parts therefore sum to the whole change exactly. The order
(restatement before new rows) is a convention; where both are small it does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl

from models import importance
from models.mmm.engine import laplace, layout
from models.mmm.engine.parameters import names
from models.mmm.model.design import Design
from models.mmm.model.lift_tests import calibrate
from models.mmm.panel.panel import MMMData
from models.mmm.result.contributions import media_sums
from models.mmm.result.fit import MMMFit
from models.mmm.result.posterior import Posterior, from_kernel
from models.mmm.updating import reweighting
from models.mmm.updating.refresh import (
    LEAST_DRAWS,
    WORST_TAIL,
    extended,
    refuse_another_model,
    sampled_origin,
)

Basis = Literal["draws", "peak", "none"]
LEAST_CHAIN_SHARE = 0.1  # of the draws that weights must leave, for a difference of means to be no accident


@dataclass(frozen=True, eq=False)
class Changes:
    """table: channel, estimand, before, after, restatement, data, model (after - before is the sum of the three).

    `basis` says how the first two were found: `draws` (the earlier posterior, weighted), `peak` (its most probable
    point, where the weights are unreliable), `none` (the two fits are of different models: all is `model`).
    `restated` counts the old cells that changed, `added` the new periods.
    """

    table: pl.DataFrame
    basis: Basis
    restated: int
    added: int
    why_model: str


def changes(before: MMMFit, after: MMMFit) -> Changes:
    """The change of each channel's incremental KPI, share of KPI and iROAS over the window, split by cause.

    Money where the KPI has a value. A channel that is in one of the fits only has nulls on the other side.
    """
    first, last = (_of_means(f.data, f.incremental().mean(axis=0)) for f in (before, after))
    added = len(after.data.dates) - len(before.data.dates)
    why = _why_model(before, after)
    reason = _not_comparable(before, after)
    if reason:
        return Changes(_table(first, last, {}, {}), "none", 0, max(added, 0), f"{reason}; {why}")
    earlier_periods = len(before.data.dates)
    now = extended(before, after.data)
    restated = _restated_cells(before.design, now, earlier_periods)
    old_rows = extended(before, after.data.rows(np.arange(len(after.data.dates)) < earlier_periods))
    steps = (old_rows, now) if added else (old_rows,)
    basis: Basis = "draws"
    means = _by_draws(before, steps)
    if means is None:
        basis, means = "peak", _by_peak(before, steps)
    start, *moved = means
    restatement = _difference(start, moved[0]) if restated else {}
    data = _difference(moved[0], moved[1]) if added else {}
    return Changes(_table(first, last, restatement, data), basis, restated, added, why)


def _of_means(data: MMMData, means: np.ndarray) -> dict[tuple[str, str], float]:
    """Channel and estimand to value, from the mean incremental KPI (C,) of each channel."""
    spend = data.spend.sum(axis=(0, 1))
    out = {}
    for c, name in enumerate(data.media_names):
        out[name, "incremental_revenue"] = float(means[c] * data.money_per_kpi)
        out[name, "contribution_share"] = float(means[c] / data.kpi.sum())
        if c < len(data.channels):
            out[name, "iroas"] = float(means[c] * data.money_per_kpi / spend[c])
    return out


def _not_comparable(before: MMMFit, after: MMMFit) -> str:
    try:
        refuse_another_model(before.data, after.data)
    except ValueError as different:
        return str(different).removeprefix("refresh: ")
    if after.data.dates[: len(before.data.dates)] != before.data.dates:
        return f"the window no longer begins on {before.data.dates[0]} and continues from there"
    return "" if before.engine == "kernel" else f"the earlier fit was made by {before.engine}, whose draws are not kept"


def _why_model(before: MMMFit, after: MMMFit) -> str:
    if before.spec != after.spec:
        return "the specification changed"
    if after.lineage is None:
        return "the model was sampled again"
    if after.lineage.origin is None:
        return f"{after.lineage.path}: {after.lineage.reason}"
    sampled_on = after.lineage.origin.data
    if _same_rows(sampled_origin(before).data, sampled_on):
        return "only Monte Carlo noise: both are based on the same sampled fit"
    return f"the model was sampled again on {len(sampled_on.dates)} periods and re-weighted from there"


def _same_rows(one: MMMData, other: MMMData) -> bool:
    return one.dates == other.dates and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in ("kpi", "media", "controls")
    )


def _restated_cells(old: Design, new: Design, earlier_periods: int) -> int:
    count = int((old.y != new.y[:, :earlier_periods]).sum()) + int(
        (old.media != new.media[..., :earlier_periods]).sum()
    )
    return count + int((old.data.controls != new.data.controls[:, :earlier_periods]).sum())


def _by_draws(before: MMMFit, steps: tuple[Design, ...]) -> list[dict[tuple[str, str], float]] | None:
    """The earlier draws' means as they were and under each step; None where the weights are unreliable."""
    carried = reweighting.begin(before)
    if carried is None:
        return None
    means = [_of_means(before.data, _incremental(before.design, before.draws).mean(axis=0))]
    for design in steps:
        carried = reweighting.carry(carried, design, seed=before.seed)
        weights, k_hat = importance.smooth(carried.log_weights)
        left = importance.effective(weights, float(weights.size))
        if k_hat > WORST_TAIL or left < min(LEAST_DRAWS, LEAST_CHAIN_SHARE * weights.size):
            return None
        values = _incremental(design, carried.draws)
        means.append(_of_means(design.data, weights @ values))
    return means


def _by_peak(before: MMMFit, steps: tuple[Design, ...]) -> list[dict[tuple[str, str], float]]:
    """The same at the most probable point: no ranges, but it follows the data where weights cannot."""
    means = []
    begin = before.draws.sampled.reshape(before.draws.count, -1).mean(axis=0)
    for design in (before.design, *steps):
        block = layout.build(design, calibrate(design.data, design.media, design.scales, before.experiments))
        mode = laplace.peak(block, begin, names(design)).mode
        point = from_kernel(mode[None, None, :], block, design, seed=before.seed)
        means.append(_of_means(design.data, _incremental(design, point)[0]))
        begin = mode
    return means


def _incremental(design: Design, draws: Posterior) -> np.ndarray:
    labels = np.zeros(design.y.shape, dtype=np.int64)
    return np.asarray(media_sums(design, draws, design.media, labels, 1)[:, 0, :])


def _difference(one: dict[tuple[str, str], float], two: dict[tuple[str, str], float]) -> dict[tuple[str, str], float]:
    return {key: two[key] - one[key] for key in one}


def _table(
    before: dict[tuple[str, str], float],
    after: dict[tuple[str, str], float],
    restatement: dict[tuple[str, str], float],
    data: dict[tuple[str, str], float],
) -> pl.DataFrame:
    rows: list[dict[str, Any]] = []
    for key in dict.fromkeys((*after, *before)):
        one, two = before.get(key), after.get(key)
        row: dict[str, Any] = {"channel": key[0], "estimand": key[1], "before": one, "after": two}
        if one is not None and two is not None:
            row |= {"restatement": restatement.get(key, 0.0), "data": data.get(key, 0.0)}
            row["model"] = two - one - row["restatement"] - row["data"]
        rows.append(row)
    numbers = ("before", "after", "restatement", "data", "model")
    schema = {"channel": pl.String, "estimand": pl.String, **dict.fromkeys(numbers, pl.Float64)}
    return pl.DataFrame(rows, schema=schema)
