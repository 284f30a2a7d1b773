"""The order of the chain (how many past channels it holds), chosen by cross-validation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.attribution.chain import steps
from models.attribution.paths import Journeys, journeys

MIN_OCCURRENCES = 5  # a memory with fewer occurrences backs off to a shorter one

Memory = tuple[int, ...]
Counts = dict[Memory, dict[int, float]]


@dataclass(frozen=True)
class OrderChoice:
    """`order` to use; `table`: order, states, log_likelihood (mean per held-out path), gap,
    gap_standard_error.

    `gap` is the loss against the best order, its standard error is taken over folds, pair by pair.
    """

    order: int
    table: pl.DataFrame


def choose_order(
    paths: pl.DataFrame, *, orders: tuple[int, ...] = (1, 2, 3, 4), folds: int = 5, seed: int
) -> OrderChoice:
    """The smallest order whose held-out log-likelihood is within one standard error of the best.

    The likelihood is that of every next channel and of the end (conversion or null), given the last `order`
    channels, with add-one smoothing; a memory counts fewer than five times backs off to a shorter one. Each
    single conversion and null is assigned to a fold at random from `seed`: distinct paths carry no account, so
    buyers with several paths are spread over folds and long memories look slightly better than they are.
    Repeats of a channel count as steps here, while the chain collapses equal states. Raises ValueError
    unless folds >= 2.
    """
    if folds < 2:
        raise ValueError(f"folds={folds}: at least two, one to fit and one to evaluate")
    walked = journeys(paths)
    assigned = _assigned(walked, folds, np.random.default_rng(seed))
    scores = np.array([_held_out(walked, order, assigned) for order in orders])
    mean = scores.mean(axis=1)
    best = int(np.argmax(mean))
    gap = scores[best] - scores
    error = gap.std(axis=1, ddof=1) / np.sqrt(folds)
    near = gap.mean(axis=1) <= error
    table = pl.DataFrame(
        {
            "order": orders,
            "states": [len(steps(walked, order).memory) for order in orders],
            "log_likelihood": mean,
            "gap": gap.mean(axis=1),
            "gap_standard_error": error,
        }
    )
    return OrderChoice(order=min(order for order, close in zip(orders, near, strict=True) if close), table=table)


def _assigned(walked: Journeys, folds: int, generator: np.random.Generator) -> np.ndarray:
    """(folds, paths, 2): how many conversions and nulls of each path fall in each fold; fractions are rounded."""
    counts = np.column_stack([walked.conversions, walked.nulls])
    whole = np.rint(counts).astype(np.int64)
    return np.moveaxis(generator.multinomial(whole, np.full(folds, 1 / folds)), -1, 0).astype(float)


def _held_out(walked: Journeys, order: int, assigned: np.ndarray) -> np.ndarray:
    """Mean log-likelihood per path of each fold under the counts of the others; shape (folds,)."""
    walks = [tuple(int(c) for c in walked.code[a:b]) for a, b in zip(walked.start[:-1], walked.start[1:], strict=True)]
    successors = len(walked.channels) + 2
    whole = assigned.sum(axis=0)
    score = np.zeros(assigned.shape[0])
    for fold, held in enumerate(assigned):
        counts = _counts(walks, whole - held, order)
        volume = {memory: sum(after.values()) for memory, after in counts.items()}
        total = 0.0
        for p in np.flatnonzero(held.sum(axis=1) > 0):
            total += _likelihood(walks[p], held[p], order, counts, volume, successors)
        score[fold] = total / max(held.sum(), 1.0)
    return score


def _counts(walks: list[Memory], outcomes: np.ndarray, order: int) -> Counts:
    """Weighted successors of every memory up to `order`; -1 stands for conversion, -2 for null."""
    counts: Counts = {}
    for p in np.flatnonzero(outcomes.sum(axis=1) > 0):
        walk = walks[p]
        for place in range(len(walk) + 1):
            ends = _ends(walk, place, outcomes[p])
            for depth in range(min(order, place) + 1):
                after = counts.setdefault(walk[place - depth : place], {})
                for successor, times in ends:
                    after[successor] = after.get(successor, 0.0) + times
    return counts


def _likelihood(
    walk: Memory, outcome: np.ndarray, order: int, counts: Counts, volume: dict[Memory, float], successors: int
) -> float:
    total = 0.0
    for place in range(len(walk) + 1):
        depth = min(order, place)
        while depth > 0 and volume.get(walk[place - depth : place], 0.0) < MIN_OCCURRENCES:
            depth -= 1
        memory = walk[place - depth : place]
        after, smoothed_volume = counts.get(memory, {}), volume.get(memory, 0.0) + successors
        for successor, times in _ends(walk, place, outcome):
            total += times * np.log((after.get(successor, 0.0) + 1.0) / smoothed_volume)
    return float(total)


def _ends(walk: Memory, place: int, outcome: np.ndarray) -> list[tuple[int, float]]:
    converted, lost = float(outcome[0]), float(outcome[1])
    return [(-1, converted), (-2, lost)] if place == len(walk) else [(walk[place], converted + lost)]
