"""Sampling variability of attribution: every model refitted on resampled accounts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import sparse

from models.attribution.chain import steps
from models.attribution.paths import COUNTS, Journeys, journeys
from models.attribution.rules import touch_weights

MODELS = ("first_touch", "last_touch", "linear", "position_based", "unique_linear", "markov")
BATCH = 64


@dataclass(frozen=True)
class Intervals:
    """`table`: channel, model, measure, estimate, sd, q05, q95, kind; `draws`: measure -> (models, draws,
    channels).

    `measure` is conversions, value or removal_effect_conversions (markov only). The kind is always
    "sampling": it says how far the figure would vary with other buyers, not whether the rule is causal.
    """

    channels: tuple[str, ...]
    models: tuple[str, ...]
    table: pl.DataFrame
    draws: dict[str, np.ndarray]

    def ahead(self, first: str, second: str, model: str) -> float:
        """Share of draws in which `first` gets more conversions than `second`; .1 to .9 does not distinguish them."""
        taken = self.draws["conversions"][self.models.index(model)]
        return float(np.mean(taken[:, self.channels.index(first)] > taken[:, self.channels.index(second)]))


def intervals(account_paths: pl.DataFrame, *, draws: int = 500, seed: int, nulls: bool = True) -> Intervals:
    """90 % sampling intervals by Poisson bootstrap over accounts, for the position rules and order-1 markov.

    `account_paths`: account, path, total_conversions, total_conversion_value, total_null, one row per
    account and path. Every account gets one Poisson(1) weight for all its paths, converting or not, and
    each model is refitted exactly in each draw. A draw in which nothing converts counts as zeros.
    ValueError on fewer than 100 draws, because 5 % quantiles would rest on a handful of draws.
    """
    if draws < 100:
        raise ValueError(f"draws={draws}: at least 100, so that a 5 % quantile rests on more than a few draws")
    if "account" not in account_paths.columns:
        raise ValueError("account_paths lacks the column account: without it, repeat visits would count as new buyers")
    walked = journeys(account_paths)
    member = _membership(walked, account_paths)
    features = _features(walked, nulls=nulls)
    per_account = sparse.csr_array(member @ features)
    generator = np.random.default_rng(seed)
    batches = [_models(np.asarray(per_account.sum(axis=0)).reshape(1, -1), walked)]
    for begin in range(0, draws, BATCH):
        weight = generator.poisson(1.0, (min(BATCH, draws - begin), member.shape[0])).astype(float)
        batches.append(_models(np.asarray(weight @ per_account), walked))
    estimate = {measure: block[:, 0] for measure, block in batches[0].items()}
    drawn = {measure: np.concatenate([part[measure] for part in batches[1:]], axis=1) for measure in estimate}
    return Intervals(walked.channels, MODELS, _table(walked.channels, estimate, drawn), drawn)


def _membership(walked: Journeys, account_paths: pl.DataFrame) -> sparse.csr_array:
    """(accounts, 4 x paths): each account's conversions, value and nulls on each distinct path, side by side."""
    happened = (pl.col("total_conversions") > 0) | (pl.col("total_null") > 0)
    rows = account_paths.select("account", "path", *(pl.col(c).cast(pl.Float64) for c in COUNTS))
    distinct = rows.group_by("path").agg(pl.col(c).sum() for c in COUNTS).filter(happened).sort("path")
    rows = rows.join(distinct.select("path").with_row_index("_path"), on="path", how="inner")
    accounts = rows["account"].rank("dense").to_numpy().astype(np.int64) - 1
    where = rows["_path"].to_numpy().astype(np.int64)
    count = walked.conversions.size
    size = (int(accounts.max(initial=-1)) + 1, count)
    blocks = [sparse.coo_array((rows[c].to_numpy(), (accounts, where)), shape=size) for c in COUNTS]
    return sparse.csr_array(sparse.hstack(blocks))


def _features(walked: Journeys, *, nulls: bool) -> sparse.csr_array:
    """(3 x paths, features): what one conversion, one unit of value and one null on a path add to each count.

    Every model here is a function of sums that are linear in paths; only those sums are drawn again.
    """
    size, count = len(walked.channels), walked.conversions.size
    rules = [_by_channel(walked, touch_weights(walked, model)) for model in MODELS[:-1]]
    walks = steps(walked, 1)
    every = np.arange(count)
    first = sparse.coo_array((np.ones(count), (every, walks.first)), shape=(count, size))
    last = sparse.coo_array((np.ones(count), (every, walks.last)), shape=(count, size))
    path, source, target = walks.moves
    moves = sparse.coo_array((np.ones(path.size), (path, source * size + target)), shape=(count, size * size))
    none = sparse.coo_array((count, size))
    no_moves = sparse.coo_array((count, size * size))
    blank = [none] * len(rules)
    # Columns: rules for conversions, rules for value, start, moves, ends: conversion, value, lost.
    conversion = [*rules, *blank, first, moves, last, none, none]
    value = [*blank, *rules, none, no_moves, none, last, none]
    lost = [*blank, *blank, first, moves, none, none, last] if nulls else [*blank, *blank, none, no_moves, *[none] * 3]
    return sparse.csr_array(sparse.vstack([sparse.hstack(row) for row in (conversion, value, lost)]))


def _by_channel(walked: Journeys, weight: np.ndarray) -> sparse.coo_array:
    shape = (walked.conversions.size, len(walked.channels))
    return sparse.coo_array((weight, (walked.path, walked.code)), shape=shape)


def _models(sums: np.ndarray, walked: Journeys) -> dict[str, np.ndarray]:
    """Each measure as (models, draws, channels)."""
    size, rules = len(walked.channels), len(MODELS) - 1
    cuts = np.cumsum([rules * size, rules * size, size, size * size, size, size])
    conversions, value, start, moves, converted, booked, lost = np.split(sums, cuts, axis=1)
    by_rule = conversions.reshape(-1, rules, size).transpose(1, 0, 2)
    value_by_rule = value.reshape(-1, rules, size).transpose(1, 0, 2)
    effects = _removal(start, moves.reshape(-1, size, size), converted, booked, lost)
    total = np.stack([converted.sum(axis=1), booked.sum(axis=1)], axis=-1)
    share_of = effects.sum(axis=1, keepdims=True)
    share = np.divide(effects, share_of, out=np.zeros_like(effects), where=share_of != 0)
    markov = share * total[:, None, :]
    return {
        "conversions": np.concatenate([by_rule, markov[None, :, :, 0]]),
        "value": np.concatenate([value_by_rule, markov[None, :, :, 1]]),
        "removal_effect_conversions": effects[None, :, :, 0],
    }


def _removal(
    start: np.ndarray, moves: np.ndarray, converted: np.ndarray, booked: np.ndarray, lost: np.ndarray
) -> np.ndarray:
    """Removal effects (draws, channels, 2) of many order-1 chains at once.

    One inverse serves all channels: losing every visit to c costs (visits that reach c) x (success from c).
    """
    leaving = moves.sum(axis=2) + converted + lost
    scale = np.divide(1.0, leaving, out=np.zeros_like(leaving), where=leaving > 0)
    fundamental = np.linalg.inv(np.eye(moves.shape[1]) - moves * scale[:, :, None])
    begun = start.sum(axis=1, keepdims=True)
    begin = np.divide(start, begun, out=np.zeros_like(start), where=begun > 0)
    ends = np.stack([converted * scale, booked * scale], axis=-1)
    success = fundamental @ ends
    visits = np.einsum("bi,bij->bj", begin, fundamental)
    met = visits / np.einsum("bii->bi", fundamental)
    through = met[:, :, None] * success
    success_from_start = np.einsum("bi,bij->bj", begin, success)[:, None, :]
    return np.divide(through, success_from_start, out=np.zeros_like(through), where=success_from_start != 0)


def _table(channels: tuple[str, ...], estimate: dict[str, np.ndarray], drawn: dict[str, np.ndarray]) -> pl.DataFrame:
    parts = []
    for measure, draws in drawn.items():
        models = MODELS if draws.shape[0] == len(MODELS) else MODELS[-1:]
        for m, model in enumerate(models):
            low, high = np.quantile(draws[m], [0.05, 0.95], axis=0)
            parts.append(
                pl.DataFrame(
                    {
                        "channel": channels,
                        "model": [model] * len(channels),
                        "measure": [measure] * len(channels),
                        "estimate": estimate[measure][m],
                        "sd": draws[m].std(axis=0, ddof=1),
                        "q05": low,
                        "q95": high,
                        "kind": ["sampling"] * len(channels),
                    }
                )
            )
    return pl.concat(parts)
