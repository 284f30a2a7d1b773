"""Removal effects, solved exactly: how many fewer paths convert when a channel's visits lose the buyer."""

from __future__ import annotations

import numpy as np
import polars as pl

from models.attribution.chain import chain, steps
from models.attribution.paths import Journeys, journeys

RESULT = {
    "channel": pl.String,
    "conversions": pl.Float64,
    "value": pl.Float64,
    "removal_effect_conversions": pl.Float64,
    "removal_effect_value": pl.Float64,
}


def markov(paths: pl.DataFrame, *, order: int = 1, nulls: bool = True) -> pl.DataFrame:
    """Classical Markov attribution: channel, conversions, value, removal_effect_conversions,
    removal_effect_value.

    The removal effect is 1 - P(conversion without the channel) / P(conversion) in a chain whose state is
    the last `order` channels; credit is each channel's share of the sum of removal effects times the total.
    Exact: one linear system per channel, so the same paths give identical results. With `nulls`, paths that
    did not convert are part of the chain; without, the chain holds converting paths only. It is not the
    number of sales the channel caused, and its totals cannot be traced to single conversions (they may be
    below the conversions that a channel touched alone): rows come from `markov_credit`. A channel without
    effect has a row of zeros; without any conversion all rows are zero. ValueError on order < 1 or bad
    paths. Source: Anderl et al. (2016), graph-based attribution.
    """
    walked = journeys(paths)
    effects = removal_effects(walked, order=order, nulls=nulls)
    credit = _shares(effects) * np.array([walked.conversions.sum(), walked.value.sum()])
    return pl.DataFrame(
        {
            "channel": walked.channels,
            "conversions": credit[:, 0],
            "value": credit[:, 1],
            "removal_effect_conversions": effects[:, 0],
            "removal_effect_value": effects[:, 1],
        },
        schema=RESULT,
    )


def removal_effects(walked: Journeys, *, order: int, nulls: bool) -> np.ndarray:
    """Shape (channels, 2): relative loss of conversions and of value when the channel loses every path it touches."""
    effects = np.zeros((len(walked.channels), 2))
    if not walked.channels:
        return effects
    full_chain = chain(walked, order, nulls=nulls)
    success = full_chain.success()
    for channel in range(len(walked.channels)):
        without = full_chain.success(~full_chain.holds[:, channel])
        effects[channel] = np.divide(success - without, success, out=np.zeros(2), where=success != 0)
    # Rounding may leave 1e-17 outside [0, 1]; the effect on value may truly lie outside, by refunds.
    effects[:, 0] = np.clip(effects[:, 0], 0.0, 1.0)
    return effects


def transitions(paths: pl.DataFrame, *, order: int = 1, nulls: bool = True) -> pl.DataFrame:
    """The chain as a table: source, target, probability; ends are (start), (conversion) and (null).

    Sources sum to 1. States of order k read "a > b" (oldest first). Rows are sorted by source and target.
    """
    walked = journeys(paths)
    fitted, names = chain(walked, order, nulls=nulls), state_names(walked, order)
    moves = fitted.move.tocoo()
    rows: list[tuple[str, str, float]] = [("(start)", names[i], float(p)) for i, p in enumerate(fitted.start)]
    rows += [(names[i], names[j], float(p)) for i, j, p in zip(*moves.coords, moves.data, strict=True)]
    rows += [(names[i], "(conversion)", float(p)) for i, p in enumerate(fitted.convert)]
    lost = 1.0 - fitted.convert - np.asarray(fitted.move.sum(axis=1)).ravel()
    reached = fitted.convert + np.asarray(fitted.move.sum(axis=1)).ravel() > 0
    rows += [(names[i], "(null)", float(p)) for i, p in enumerate(lost) if nulls and (p > 1e-15 or not reached[i])]
    table = pl.DataFrame(
        rows, schema={"source": pl.String, "target": pl.String, "probability": pl.Float64}, orient="row"
    )
    return table.filter(pl.col("probability") > 0).sort("source", "target")


def state_names(walked: Journeys, order: int) -> tuple[str, ...]:
    """Each state's memory as text, oldest channel first."""
    return tuple(" > ".join(walked.channels[c] for c in memory) for memory in steps(walked, order).memory)


def _shares(effects: np.ndarray) -> np.ndarray:
    total = effects.sum(axis=0)
    return np.divide(effects, total, out=np.zeros_like(effects), where=total != 0)
