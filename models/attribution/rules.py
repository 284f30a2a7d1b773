"""Rules that look only at a touch's place in its path. Rules that need dates or stages are in dbt."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import polars as pl

from models.attribution.paths import Journeys, journeys

POSITION_SHARES = (0.4, 0.2, 0.4)


def heuristics(paths: pl.DataFrame, *, direct: Collection[str] = ("direct",)) -> pl.DataFrame:
    """Conversions and value that each position rule gives to each channel: channel, model, conversions,
    value.

    Models: first_touch, last_touch, last_non_direct (a path of nothing but `direct` keeps its last touch),
    linear (equal weights, repeats count), position_based (40 % first, 40 % last, 20 % between; two
    touches half each) and unique_linear. Each model's rows add up to all conversions and all value. It is
    bookkeeping, not causal. `paths` as in `models.attribution.paths.journeys`; an empty frame gives an empty
    frame.
    """
    walked = journeys(paths)
    weights = {
        "first_touch": _first(walked),
        "last_touch": _last(walked),
        "last_non_direct": _last_non_direct(walked, direct),
        "linear": _linear(walked),
        "position_based": _position_based(walked),
        "unique_linear": _unique_linear(walked),
    }
    return pl.concat([_totals(walked, weight, model) for model, weight in weights.items()])


def unique_linear(paths: pl.DataFrame) -> pl.DataFrame:
    """Each path's outcome split evenly over its distinct channels: channel, conversions, value.

    This is the exact Shapley value of the game "conversions of paths that use only channels of the
    coalition", which other tools publish as Shapley attribution; order and unsuccessful paths cannot change
    it.
    """
    walked = journeys(paths)
    return _totals(walked, _unique_linear(walked), "unique_linear").drop("model")


def touch_weights(walked: Journeys, model: str) -> np.ndarray:
    """Weight of each touch under one rule, summing to 1 over each path; shape (touches,)."""
    rules = {
        "first_touch": _first,
        "last_touch": _last,
        "linear": _linear,
        "position_based": _position_based,
        "unique_linear": _unique_linear,
    }
    if model not in rules:
        raise ValueError(f"model={model!r}: one of {', '.join(rules)}")
    return rules[model](walked)


def _first(walked: Journeys) -> np.ndarray:
    weight = np.zeros(walked.code.size)
    weight[walked.start[:-1]] = 1.0
    return weight


def _last(walked: Journeys) -> np.ndarray:
    weight = np.zeros(walked.code.size)
    weight[walked.start[1:] - 1] = 1.0
    return weight


def _last_non_direct(walked: Journeys, direct: Collection[str]) -> np.ndarray:
    qualifies = ~np.isin(walked.code, [i for i, name in enumerate(walked.channels) if name in set(direct)])
    place = np.where(qualifies, np.arange(walked.code.size), -1)
    chosen = np.full(walked.conversions.size, -1)
    np.maximum.at(chosen, walked.path, place)
    weight = np.zeros(walked.code.size)
    weight[np.where(chosen >= 0, chosen, walked.start[1:] - 1)] = 1.0
    return weight


def _linear(walked: Journeys) -> np.ndarray:
    return (1.0 / walked.length)[walked.path]


def _position_based(walked: Journeys) -> np.ndarray:
    first, middle, last = POSITION_SHARES
    length = walked.length
    between = np.where(length > 2, middle / np.maximum(length - 2, 1), 0.0)
    weight = between[walked.path]
    opens, closes = walked.start[:-1], walked.start[1:] - 1
    weight[opens] = np.where(length == 2, first / (first + last), first)
    weight[closes] = np.where(length == 2, last / (first + last), last)
    weight[opens[length == 1]] = 1.0
    return weight


def _unique_linear(walked: Journeys) -> np.ndarray:
    width = len(walked.channels)
    pair = walked.path * width + walked.code
    _, inverse, repeats = np.unique(pair, return_inverse=True, return_counts=True)
    distinct = walked.channel_sets().sum(axis=1)
    return 1.0 / (distinct[walked.path] * repeats[inverse])


def _totals(walked: Journeys, weight: np.ndarray, model: str) -> pl.DataFrame:
    width = len(walked.channels)
    conversions = np.bincount(walked.code, weight * walked.conversions[walked.path], minlength=width)
    value = np.bincount(walked.code, weight * walked.value[walked.path], minlength=width)
    return pl.DataFrame(
        {"channel": walked.channels, "model": [model] * width, "conversions": conversions, "value": value},
        schema={"channel": pl.String, "model": pl.String, "conversions": pl.Float64, "value": pl.Float64},
    )
