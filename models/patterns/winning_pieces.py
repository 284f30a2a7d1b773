"""Pieces that beat the brand's usual result, and the tests of their features that this calls for.

A winner proves nothing about its features: most of the difference between pieces is the story. It says what to test.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Literal

import numpy as np
import polars as pl
from scipy.special import ndtr

from models.patterns.estimates import PatternEstimates
from models.patterns.spec import PromotionPolicy

Outcome = Literal["money_per_1k", "ctr_log_odds"]
FEWEST_PIECES = 20
MOST_BRIEFS = 200
Z_95 = 1.645


@dataclass(frozen=True)
class Winner:
    """A piece whose result lies clearly above its channel's: `lift` above the mean, after shrinkage, with P(true)."""

    brief: str
    variant: str
    channel: str
    outcome: Outcome
    lift: float
    p: float


@dataclass(frozen=True)
class QueuedTest:
    """A feature that winners carry and that no test has settled in this channel.

    `contrasts` briefs have varied it so far, `briefs_needed` more are to vary it; `example` is the strongest winner.
    """

    feature: str
    channel: str
    winners: int
    example: str
    contrasts: int
    briefs_needed: int
    priority: float


def winners(tests: pl.DataFrame, policy: PromotionPolicy, min_trials: int = 200) -> list[Winner]:
    """Pieces of which P(true result > channel mean + `winner_spread` x spread between pieces) >= `winner_p`.

    By money per 1,000 trials where at least 20 pieces of the channel report it, else by log-odds of a success. Results
    are shrunk towards the channel's mean by how much pieces really differ; channels with fewer than 20 pieces have no
    baseline. Strongest first.
    """
    sums = tests.group_by("brief", "variant", "channel").agg(
        pl.col("trials").sum(),
        pl.col("successes").sum(),
        pl.when(pl.col("value").is_not_null().all()).then(pl.col("value").sum()).first().alias("value"),
    )
    sums = sums.sort("brief", "variant", "channel")
    found: list[Winner] = []
    for (channel,), pieces in sorted(
        sums.filter(pl.col("trials") >= min_trials).partition_by("channel", as_dict=True).items()
    ):
        with_money = pieces.filter(pl.col("value").is_not_null())
        if with_money.height >= FEWEST_PIECES:
            found += _above(str(channel), "money_per_1k", with_money, *_money(with_money), policy)
        elif pieces.height >= FEWEST_PIECES:
            found += _above(str(channel), "ctr_log_odds", pieces, *_log_odds(pieces), policy)
    return sorted(found, key=lambda w: (-w.p, -w.lift, w.variant))


def queue_tests(
    found: Iterable[Winner],
    features: pl.DataFrame,
    estimates: PatternEstimates,
    settled: Collection[tuple[str, str]],
    policy: PromotionPolicy,
) -> list[QueuedTest]:
    """The tests that winners call for, most promising first: features that no decision covers and no test has settled.

    `features`: variant, feature. `settled`: (feature, channel) of what is served, watched, blocked or retired. What 20
    briefs have shown to matter little, and what every piece of the channel has, is not queued either. Nothing here is a
    claim, and nothing becomes a card by it.
    """
    carried: Mapping[str, list[str]] = {
        str(variant): rows["feature"].to_list()
        for (variant,), rows in features.partition_by("variant", as_dict=True).items()
    }
    always = _on_every_piece(estimates)
    of_feature: dict[tuple[str, str], list[Winner]] = {}
    for winner in found:
        for feature in carried.get(winner.variant, ()):
            if (feature, winner.channel) not in settled and (feature, winner.channel) not in always:
                of_feature.setdefault((feature, winner.channel), []).append(winner)
    queue = [
        queued
        for (feature, channel), pieces in of_feature.items()
        if (queued := _queued(feature, channel, pieces, estimates, policy)) is not None
    ]
    return sorted(queue, key=lambda q: (-q.priority, q.feature, q.channel))


def _on_every_piece(estimates: PatternEstimates) -> set[tuple[str, str]]:
    """What all pieces of a channel have in every week, like the format of a newsletter: nobody can vary it there."""
    weeks = estimates.usage.select("channel", "week").unique().group_by("channel").agg(pl.len().alias("weeks"))
    full = estimates.usage.filter(pl.col("share") >= 1).group_by("feature", "channel").agg(pl.len().alias("full"))
    rows = full.join(weeks, on="channel").filter(pl.col("full") == pl.col("weeks"))
    return set(rows.select("feature", "channel").iter_rows())


def _queued(
    feature: str, channel: str, pieces: list[Winner], estimates: PatternEstimates, policy: PromotionPolicy
) -> QueuedTest | None:
    known = feature in estimates.features and channel in estimates.channels(feature)
    estimate = estimates.estimate(feature, channels=(channel,)) if known else None
    contrasts = estimate.n_contrasts if estimate else 0
    needed = max(0, policy.provisional_contrasts - contrasts)
    gain = estimate.expected_gain if estimate else estimates.mixture.sd
    if estimate is not None and needed == 0:
        if 1 - estimate.lfsr < policy.channel_p:
            return None
        # As many briefs as bring the error down to where the sign would be sure at the effect seen so far.
        ratio = (Z_95 * estimate.raw_se / max(abs(estimate.shrunk), 1e-9)) ** 2
        needed = ceil(contrasts * max(ratio - 1, 0))
    if needed == 0:
        return None
    return QueuedTest(
        feature, channel, len(pieces), pieces[0].variant, contrasts, min(needed, MOST_BRIEFS), gain * len(pieces)
    )


def _above(
    channel: str, outcome: Outcome, pieces: pl.DataFrame, y: np.ndarray, s2: np.ndarray, policy: PromotionPolicy
) -> Iterable[Winner]:
    weight = 1 / s2
    mean = float(np.sum(weight * y) / weight.sum())
    q = float(np.sum(weight * (y - mean) ** 2))
    tau2 = max(0.0, (q - (len(y) - 1)) / (weight.sum() - np.sum(weight**2) / weight.sum()))
    if tau2 == 0:
        return
    mean = float(np.average(y, weights=1 / (s2 + tau2)))
    kappa = tau2 / (tau2 + s2)
    lift, sd = kappa * (y - mean), np.sqrt(kappa * s2)
    p = ndtr((lift - policy.winner_spread * np.sqrt(tau2)) / sd)
    for i in np.flatnonzero(p >= policy.winner_p):
        row = pieces.row(int(i), named=True)
        yield Winner(row["brief"], row["variant"], channel, outcome, float(lift[i]), float(p[i]))


def _log_odds(pieces: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    k, n = pieces["successes"].to_numpy().astype(float), pieces["trials"].to_numpy().astype(float)
    return np.log((k + 0.5) / (n - k + 0.5)), 1 / (k + 0.5) + 1 / (n - k + 0.5)


def _money(pieces: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Money per 1,000 trials; its error from the scatter between variants of a brief, which is on the safe side."""
    n, y = pieces["trials"].to_numpy().astype(float), 1000 * pieces["value"].to_numpy() / pieces["trials"].to_numpy()
    cell = pieces["brief"].rank("dense").to_numpy() - 1
    within = y - (np.bincount(cell, y) / np.bincount(cell))[cell]
    freedom = len(y) - len(np.unique(cell))
    scatter = float(np.sum(n * within**2) / freedom) if freedom > 0 else float(np.var(y) * n.mean())
    return y, np.maximum(scatter, 1e-12) / n
