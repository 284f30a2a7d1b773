"""A brand's content over two years: stories, features with true effects that drift, and agents who follow cards.

20 briefs of two variants a week, 40 features of which five are stock phrases that writers use for promising stories,
four features per variant, 3,000 impressions at 1.5 %.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FEATURES, STOCK, PER_VARIANT = 40, 5, 4
BRIEFS, VARIANTS = 20, 2
EFFECT_SD, DRIFT_PER_WEEK = 0.06, 0.006
STORY_SD, VARIANT_SD, HOT = 0.65, 0.30, 1.5
TRIALS, BASE = 3000, float(np.log(0.015 / 0.985))


@dataclass(frozen=True)
class Week:
    """What ran: arrays with one row per variant, briefs one after the other, and the truth that no company sees.

    `x` features (variants, 40); `successes`; `gain` true effect of the features in log-odds; `natural_gain` that of the
    features which the writer would have used without any card.
    """

    x: np.ndarray
    successes: np.ndarray
    gain: np.ndarray
    natural_gain: np.ndarray


class ContentWorld:
    """One company. `effects` None draws them; the same seed gives the same stories and writers under every feed."""

    def __init__(self, seed: int, *, effects: np.ndarray | None = None, drift: float = DRIFT_PER_WEEK) -> None:
        self.rng = np.random.default_rng([seed, 11])
        self.theta = self.rng.normal(0, EFFECT_SD, FEATURES) if effects is None else effects.copy()
        self.drift = drift
        self.popularity = np.ones(FEATURES)

    def swap_signs(self) -> None:
        """What helped now hurts."""
        self.theta = -self.theta

    def natural(self) -> tuple[np.ndarray, np.ndarray]:
        """The week's stories (briefs,) and the features that writers use of their own accord (variants, 40)."""
        story = self.rng.normal(0, STORY_SD, BRIEFS)
        weights = np.tile(self.popularity, (BRIEFS * VARIANTS, 1))
        weights[:, :STOCK] *= np.exp(HOT * np.repeat(story, VARIANTS))[:, None]
        # The four largest of exponential waiting times: sampling without replacement in proportion to the weights.
        order = np.argsort(self.rng.exponential(1.0, weights.shape) / weights, axis=1)[:, :PER_VARIANT]
        x = np.zeros(weights.shape, dtype=bool)
        np.put_along_axis(x, order, True, axis=1)
        return story, x

    def publish(self, story: np.ndarray, natural: np.ndarray, cards: list[tuple[int, ...]]) -> Week:
        """Publish the week: each variant carries its cards in place of features that its writer had chosen."""
        x = natural.copy()
        for row, on in enumerate(cards):
            for feature in on:
                if not x[row, feature]:
                    replaced = [f for f in np.flatnonzero(x[row]) if f not in on]
                    x[row, replaced[-1]] = False
                    x[row, feature] = True
        gain = x @ self.theta
        logit = BASE + np.repeat(story, VARIANTS) + gain + self.rng.normal(0, VARIANT_SD, len(gain))
        successes = self.rng.binomial(TRIALS, 1 / (1 + np.exp(-logit)))
        week = Week(x, successes, gain, natural @ self.theta)
        self.theta = self.theta + self.rng.normal(0, 1, FEATURES) * self.drift
        return week


def effective_features(x: np.ndarray) -> float:
    """How many features the pieces are spread over: exp of the entropy of feature use."""
    share = x.sum(axis=0) / x.sum()
    share = share[share > 0]
    return float(np.exp(-np.sum(share * np.log(share))))
