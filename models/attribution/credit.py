"""Credit rows for path models: each converting touch's share, traceable to its own conversion.

Classical totals cannot be split into rows (a channel may touch more conversions alone than its total), so each
channel gets a strength, and a conversion is split in proportion to the strengths of the channels that touched it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.attribution.paths import Journeys, journeys
from models.attribution.removal_effects import removal_effects
from models.attribution.shapley_values import shapley
from models.warning import Warning

# A target at or above everything a channel touched has no finite strength; just below it has.
REACHABLE = 0.999
CONVERGED = 1e-10
ROUNDS = 1_000
WEAKEST = 1e-12


@dataclass(frozen=True)
class Strengths:
    """What a channel weighs when it shares a conversion: only ratios mean anything. `warnings` tell of
    capped targets.
    """

    channels: tuple[str, ...]
    strength: np.ndarray
    warnings: tuple[Warning, ...]


def markov_rows(paths: pl.DataFrame, *, order: int = 1, nulls: bool = True) -> pl.DataFrame:
    """Totals of the markov credit rows: channel, conversions, value. These are the totals to publish as
    `markov`.

    Conversions touched by one channel go to it in full; shared ones add up, per channel, to its share of
    the removal effects (`markov` gives the classical totals, for comparison with other tools).
    """
    walked = journeys(paths)
    return _row_totals(walked, markov_strengths(walked, order=order, nulls=nulls))


def shapley_rows(paths: pl.DataFrame, *, exact_up_to: int = 15, seed: int) -> pl.DataFrame:
    """Totals of the shapley credit rows: channel, conversions, value; close to `shapley`, but traceable."""
    return _row_totals(journeys(paths), shapley_strengths(paths, exact_up_to=exact_up_to, seed=seed))


def markov_credit(touches: pl.DataFrame, paths: pl.DataFrame, *, order: int = 1, nulls: bool = True) -> pl.DataFrame:
    """Share of each touch in its conversion under the markov row rule: conversion_id, touch_id, channel,
    weight.

    `touches`: conversion_id, touch_id, channel, one row per touch of a converting path. `paths`: the
    distinct paths (converting and null) on which strengths are fitted, as for `markov`; every channel of
    `touches` must occur there. Weights of a conversion sum to 1; a channel's share is split evenly over its
    repeats. Give the result to `cents` for money. Untracked conversions have no touch and so no row here.
    Raises ValueError on an unknown channel.
    """
    return split(touches, markov_strengths(journeys(paths), order=order, nulls=nulls))


def shapley_credit(touches: pl.DataFrame, paths: pl.DataFrame, *, exact_up_to: int = 15, seed: int) -> pl.DataFrame:
    """As `markov_credit`, with strengths that reproduce the Shapley totals of the markov game."""
    return split(touches, shapley_strengths(paths, exact_up_to=exact_up_to, seed=seed))


def credit_warnings(paths: pl.DataFrame, *, order: int = 1, nulls: bool = True) -> tuple[Warning, ...]:
    """What `markov_rows` and `markov_credit` could not reproduce of the removal effects, and for which channel."""
    return markov_strengths(journeys(paths), order=order, nulls=nulls).warnings


def split(touches: pl.DataFrame, fitted: Strengths) -> pl.DataFrame:
    """Each conversion divided by the strengths of its distinct channels; rows in the order of `touches`."""
    missing = [c for c in ("conversion_id", "touch_id", "channel") if c not in touches.columns]
    if missing:
        raise ValueError(f"touches lacks the column(s) {', '.join(missing)}")
    strengths = pl.DataFrame(
        {"channel": fitted.channels, "_strength": fitted.strength},
        schema={"channel": pl.String, "_strength": pl.Float64},
    )
    rows = touches.select("conversion_id", "touch_id", "channel").join(
        strengths, on="channel", how="left", maintain_order="left"
    )
    strange = rows.filter(pl.col("_strength").is_null())
    if strange.height:
        raise ValueError(
            f"channel {strange['channel'][0]!r} of touch {strange['touch_id'][0]!r} is in no path that"
            " strengths were fitted on: aggregate paths from the same touches"
        )
    each = pl.col("_strength") / pl.len().over("conversion_id", "channel")
    rows = rows.with_columns(_each=each)
    rows = rows.with_columns(_sum=pl.col("_each").sum().over("conversion_id"))
    # All channels of a conversion may have strength 0 (their targets were 0); then they share equally.
    equal_share = 1.0 / (pl.len().over("conversion_id", "channel") * pl.col("channel").n_unique().over("conversion_id"))
    weight = pl.when(pl.col("_sum") > 0).then(pl.col("_each") / pl.col("_sum")).otherwise(equal_share)
    return rows.select("conversion_id", "touch_id", "channel", weight=weight)


def markov_strengths(walked: Journeys, *, order: int = 1, nulls: bool = True) -> Strengths:
    """Strengths under which shared conversions add up to each channel's share of the removal effects."""
    effects = removal_effects(walked, order=order, nulls=nulls)[:, 0]
    shared = _shared_conversions(walked)
    target = effects / effects.sum() * shared if effects.sum() > 0 else np.zeros(effects.size)
    return fit_strengths(walked, target)


def shapley_strengths(paths: pl.DataFrame, *, exact_up_to: int = 15, seed: int) -> Strengths:
    """Strengths that reproduce the Shapley totals over all conversions, as far as solo conversions allow."""
    walked = journeys(paths)
    phi = shapley(paths, exact_up_to=exact_up_to, seed=seed)["conversions"].to_numpy()
    met = walked.channel_sets()
    alone = met.sum(axis=1) == 1
    solo = met[alone].T @ walked.conversions[alone]
    target = np.maximum(phi - solo, 0.0)
    if target.sum() > 0:
        target *= _shared_conversions(walked) / target.sum()
    return fit_strengths(walked, target)


def fit_strengths(walked: Journeys, target: np.ndarray) -> Strengths:
    """Strengths k with sum over shared conversions of k_c / (sum of k over the path's channels) = target_c.

    Iterative scaling of a Luce choice model; its fixed point is unique up to scale where it exists. Targets
    beyond 99.9 % of the shared conversions that a channel touches cannot be met: they are capped, the rest
    is scaled, and a warning names the channel.
    """
    met, counts = _shared_sets(walked)
    target, capped = _reachable(target, met.T.astype(float) @ counts)
    warnings = [_capped(walked.channels[c]) for c in capped]
    strength = np.where(target > 0, 1.0, 0.0)
    gap = 0.0
    for _ in range(ROUNDS if counts.size else 0):
        held = met @ strength
        given = np.divide(counts, held, out=np.zeros_like(counts), where=held > 0) @ met * strength
        gap = float(np.max(np.abs(given - target) / np.maximum(target, 1e-12), where=target > 0, initial=0.0))
        if gap < CONVERGED:
            break
        strength *= np.divide(target, given, out=np.zeros_like(target), where=given > 0)
        # Unreachable combinations drive a strength towards 0 for ever; below the floor no share changes.
        strength = np.where(target > 0, np.maximum(strength / strength.max(), WEAKEST), 0.0)
    if gap > 1e-6:
        warnings.append(_not_met(gap))
    return Strengths(channels=walked.channels, strength=strength, warnings=tuple(warnings))


def _shared_sets(walked: Journeys) -> tuple[np.ndarray, np.ndarray]:
    """Distinct sets of two or more channels (sets, channels) and the conversions that each set touched."""
    met = walked.channel_sets()
    shared = (met.sum(axis=1) > 1) & (walked.conversions > 0)
    if not shared.any():
        return np.zeros((0, met.shape[1]), dtype=bool), np.zeros(0)
    sets, which = np.unique(met[shared], axis=0, return_inverse=True)
    return sets, np.bincount(which.ravel(), walked.conversions[shared])


def _shared_conversions(walked: Journeys) -> float:
    return float(_shared_sets(walked)[1].sum())


def _reachable(target: np.ndarray, touched: np.ndarray) -> tuple[np.ndarray, list[int]]:
    limit = REACHABLE * touched
    capped: set[int] = set()
    goal, total = target.copy(), float(target.sum())
    for _ in range(target.size):
        over = {int(c) for c in np.flatnonzero(goal > limit + 1e-12)} - capped
        if not over:
            break
        capped |= over
        free = np.array([c not in capped for c in range(target.size)])
        goal[~free] = limit[~free]
        left = total - goal[~free].sum()
        if goal[free].sum() > 0:
            goal[free] *= left / goal[free].sum()
    return goal, sorted(c for c in capped if touched[c] > 0)


def _row_totals(walked: Journeys, fitted: Strengths) -> pl.DataFrame:
    met = walked.channel_sets()
    held = met * fitted.strength
    width = held.sum(axis=1, keepdims=True)
    share = np.where(
        width > 0, held / np.where(width > 0, width, 1.0), met / np.maximum(met.sum(axis=1, keepdims=True), 1)
    )
    return pl.DataFrame(
        {
            "channel": walked.channels,
            "conversions": walked.conversions @ share,
            "value": walked.value @ share,
        },
        schema={"channel": pl.String, "conversions": pl.Float64, "value": pl.Float64},
    )


def _capped(channel: str) -> Warning:
    return Warning(
        code="attribution_target_capped",
        severity="low",
        subject=channel,
        message=f"The path model assigns {channel} more conversions than it ever touched together with"
        " others, so its rows are capped at what it touched and the rest goes to the other channels.",
        action="Compare with the classical total; prefer a simpler rule for this channel.",
    )


def _not_met(gap: float) -> Warning:
    return Warning(
        code="attribution_rows_miss_totals",
        severity="medium",
        subject="all",
        message=f"No split of single conversions reproduces the path model's totals; the largest miss is {gap:.1%}.",
        action="Publish the totals of the rows, which add up; treat this model as one of several views.",
    )
