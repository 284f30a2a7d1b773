"""Shapley values of the game a Markov chain plays: what each channel adds to the chance that a path converts."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl

from models.attribution.chain import Chain, chain
from models.attribution.paths import journeys

# Sampling stops once the largest standard error is this share of P(conversion).
PRECISION = 0.0025
RESULT = {
    "channel": pl.String,
    "conversions": pl.Float64,
    "value": pl.Float64,
    "standard_error_conversions": pl.Float64,
    "game": pl.String,
}


def shapley(paths: pl.DataFrame, *, exact_up_to: int = 15, seed: int, permutations: int = 2000) -> pl.DataFrame:
    """Shapley credit: channel, conversions, value, standard_error_conversions, game.

    Game `markov`: a coalition is worth the probability of conversion in the order-1 chain (nulls included) in
    which every other channel loses the buyer. Monotone, so conversions are never negative, and they add up
    to the total exactly. Up to `exact_up_to` channels every coalition is solved and the standard error is
    0; above, random orders in antithetic pairs (an order and its reverse) from `seed`, until the largest
    standard error is below 0.25 % of P(conversion) or `permutations` orders are used. The error is that of
    sampling orders only. Not causal, and not the "Shapley" of most tools: that is
    `unique_linear`. ValueError on bad paths or exact_up_to < 1.
    """
    if not 1 <= exact_up_to <= 22:
        raise ValueError(f"exact_up_to={exact_up_to}: between 1 and 22, since 2^n coalitions are solved")
    walked = journeys(paths)
    size = len(walked.channels)
    phi, error = np.zeros((size, 2)), np.zeros(size)
    if size and walked.conversions.sum() > 0:
        game = chain(walked, 1, nulls=True)
        phi, error = _exact(game) if size <= exact_up_to else _sampled(game, seed, permutations)
    total = np.array([walked.conversions.sum(), walked.value.sum()])
    reached = phi.sum(axis=0)
    scale = np.divide(total, reached, out=np.zeros(2), where=reached != 0)
    return pl.DataFrame(
        {
            "channel": walked.channels,
            "conversions": phi[:, 0] * scale[0],
            "value": phi[:, 1] * scale[1],
            "standard_error_conversions": error * scale[0],
            "game": ["markov"] * size,
        },
        schema=RESULT,
    )


def worths(game: Chain, members: np.ndarray) -> np.ndarray:
    """[P(conversion), expected value] of each coalition; `members` is boolean (coalitions, channels)."""
    # At order 1 state i is channel i, both being sorted by name.
    move = game.move.toarray()
    ends = np.column_stack([game.convert, game.worth])
    member_weight = members.astype(float)
    result = np.empty((members.shape[0], 2))
    batch = max(1, 4_000_000 // move.size)
    for begin in range(0, members.shape[0], batch):
        inside = member_weight[begin : begin + batch]
        system = np.eye(move.shape[0]) - inside[:, :, None] * move * inside[:, None, :]
        reach = np.linalg.solve(system, inside[:, :, None] * ends)
        result[begin : begin + batch] = np.einsum("bi,bij->bj", inside * game.start, reach)
    return result


def _exact(game: Chain) -> tuple[np.ndarray, np.ndarray]:
    size = game.start.size
    masks = np.arange(2**size)
    members = (masks[:, None] >> np.arange(size)) & 1 == 1
    worth = worths(game, members)
    crowd = members.sum(axis=1)
    # |S|! (n - 1 - |S|)! / n! by recursion, which stays finite where factorials would not.
    weight = np.empty(size)
    weight[0] = 1.0 / size
    for earlier, now in pairwise(range(size)):
        weight[now] = weight[earlier] * now / (size - now)
    phi = np.empty((size, 2))
    for channel in range(size):
        outside = masks[~members[:, channel]]
        gain = worth[outside | (1 << channel)] - worth[outside]
        phi[channel] = weight[crowd[outside]] @ gain
    return np.maximum(phi, [0.0, -np.inf]), np.zeros(size)


def _sampled(game: Chain, seed: int, permutations: int) -> tuple[np.ndarray, np.ndarray]:
    size = game.start.size
    generator = np.random.default_rng(seed)
    total_worth = worths(game, np.ones((1, size), dtype=bool))[0, 0]
    pairs: list[np.ndarray] = []
    while len(pairs) * 2 < permutations:
        order = generator.permutation(size)
        pairs.append((_gains(game, order) + _gains(game, order[::-1])) / 2)
        if len(pairs) >= 16 and len(pairs) % 16 == 0 and _error(pairs).max() < PRECISION * total_worth:
            break
    return np.maximum(np.mean(pairs, axis=0), [0.0, -np.inf]), _error(pairs)


def _gains(game: Chain, order: np.ndarray) -> np.ndarray:
    """What each channel adds when channels join in this order; shape (channels, 2), sums to the grand coalition."""
    joined = np.tril(np.ones((order.size, order.size), dtype=bool))
    members = np.zeros_like(joined)
    members[:, order] = joined
    worth = np.vstack([np.zeros(2), worths(game, members)])
    gains = np.empty((order.size, 2))
    gains[order] = np.diff(worth, axis=0)
    return gains


def _error(pairs: list[np.ndarray]) -> np.ndarray:
    if len(pairs) < 2:
        return np.full(pairs[0].shape[0], np.inf)
    return np.std([pair[:, 0] for pair in pairs], axis=0, ddof=1) / np.sqrt(len(pairs))
