"""The feeds that are compared: this product's, one that stores what beat the average, a fixed useless one, and none."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np

from benchmarks.patterns.content_world import BRIEFS, FEATURES, TRIALS, VARIANT_SD, VARIANTS, Week
from models.pattern_rules import ExposureRules
from models.patterns import MenuCard, draw
from models.patterns.contrasts import Cells, demean
from models.patterns.drift import change_z
from models.patterns.mixture import ScaleMixture, fit_mixture, posterior

START = date(2024, 1, 1)
KEY = b"a key for simulations only, 32 by"
HALF_LIFE_WEEKS, REFIT_WEEKS, MOST_CARDS = 104, 4, 8
FEWEST_BRIEFS = 20
USUAL_SIZE_WEEKS = 12  # how large effects usually are changes slowly and is the dearest part of a refit
ENTER_P, LEAVE_P, ALARM_Z, ALARM_WEEKS, NEW_CARD_WEEKS = 0.95, 0.80, -2.5, 8, 12


@dataclass(frozen=True)
class Dealt:
    """A week's cards: features on per variant, and per brief which variant is the free half of its pair (-1: none)."""

    cards: list[tuple[int, ...]]
    off: list[int]


NOTHING = Dealt([() for _ in range(BRIEFS * VARIANTS)], [-1] * BRIEFS)


@dataclass
class NoFeed:
    """Writers alone."""

    cards: dict[int, float] = field(default_factory=dict)

    def deal(self, week: int) -> Dealt:
        """No card to anybody."""
        return NOTHING

    def learn(self, week: int, published: Week) -> None:
        """Nothing is learned."""


@dataclass
class FixedFeed(NoFeed):
    """The same cards for ever, dealt as the product deals them; `cards` maps a feature to its p_assign."""

    seed: int = 0
    rules: ExposureRules = field(default_factory=ExposureRules)

    def deal(self, week: int) -> Dealt:
        """The keyed draw of the product, brief by brief."""
        if not self.cards:
            return NOTHING
        menu = [MenuCard(f"{feature:02}", p) for feature, p in self.cards.items()]
        cards, off = [], []
        for brief in range(BRIEFS):
            drawn = [draw(KEY, f"{self.seed}/{week}/{brief}", ix, menu, self.rules) for ix in range(VARIANTS)]
            cards += [tuple(int(name) for name in one.on) for one in drawn]
            off.append(next((ix for ix, one in enumerate(drawn) if one.role == "off"), -1))
        return Dealt(cards, off)


@dataclass
class NaiveFeed(NoFeed):
    """Stores the features of pieces that beat the average: pooled mean with minus without; two cards on every piece.

    `free_share` of the card slots stay free.
    """

    free_share: float = 0.0
    seed: int = 0
    _x: list[np.ndarray] = field(default_factory=list)
    _y: list[np.ndarray] = field(default_factory=list)

    def deal(self, week: int) -> Dealt:
        """Two of its cards at random on every variant."""
        if not self.cards:
            return NOTHING
        rng = np.random.default_rng([self.seed, week, 5])
        names = np.array(list(self.cards))
        dealt = []
        for _ in range(BRIEFS * VARIANTS):
            slots = int(rng.binomial(2, 1 - self.free_share))
            dealt.append(tuple(int(f) for f in rng.choice(names, min(slots, len(names)), replace=False)))
        return Dealt(dealt, [-1] * BRIEFS)

    def learn(self, week: int, published: Week) -> None:
        """The eight features with the largest lead over the average."""
        self._x.append(published.x)
        self._y.append(_log_odds(published.successes)[0])
        if (week + 1) % REFIT_WEEKS or week < NEW_CARD_WEEKS:
            return
        x, y = np.concatenate(self._x), np.concatenate(self._y)
        used = x.sum(axis=0)
        lead = np.where(used > 20, (x.T @ y) / np.maximum(used, 1) - y.mean(), -np.inf)
        best = np.argsort(-lead)[:MOST_CARDS]
        self.cards = {int(f): 1.0 for f in best if lead[f] > 0}


@dataclass
class LearnedFeed(FixedFeed):
    """The product's statistics: contrasts within briefs, empirical Bayes, in at .95, out below .80, change alarm."""

    alarm: bool = True
    _usual: ScaleMixture | None = None
    _since: np.ndarray = field(default_factory=lambda: np.full(FEATURES, -1))
    _num: list[np.ndarray] = field(default_factory=list)
    _den: list[np.ndarray] = field(default_factory=list)

    def learn(self, week: int, published: Week) -> None:
        """Add the week's contrasts; every fourth week decide anew which cards stay, leave and enter."""
        y, s2 = _log_odds(published.successes)
        cell = np.repeat(np.arange(BRIEFS), VARIANTS)
        dm = demean(y, s2, published.x.astype(float), cell, VARIANT_SD)
        num, den = np.zeros((BRIEFS, FEATURES)), np.zeros((BRIEFS, FEATURES))
        np.add.at(num, dm.cell, dm.w[:, None] * dm.x * dm.y[:, None])
        np.add.at(den, dm.cell, dm.w[:, None] * dm.x**2)
        self._num.append(num)
        self._den.append(den)
        if (week + 1) % REFIT_WEEKS or week < NEW_CARD_WEEKS:
            return
        self._refit(week)

    def _refit(self, week: int) -> None:
        num, den = np.concatenate(self._num), np.concatenate(self._den)
        age = week - np.repeat(np.arange(len(self._num)), BRIEFS)
        weight = np.where(age[:, None] < week - self._since[None, :], (0.5 ** (age / HALF_LIFE_WEEKS))[:, None], 0.0)
        total = (weight * den).sum(axis=0)
        known = total > 0
        b = np.where(known, (weight * num).sum(axis=0) / np.where(known, total, 1), 0.0)
        varies = (weight * den > 1e-9).sum(axis=0)
        spread = np.sqrt(((weight * (num - b * den)) ** 2).sum(axis=0) * varies / np.maximum(varies - 1, 1))
        # Too few briefs since the alarm to have a spread of their own: nothing is known of the feature.
        se = np.where(varies >= FEWEST_BRIEFS, spread / np.where(known, total, 1), 1.0)
        zero = np.zeros(FEATURES)
        if self._usual is None or not (week + 1) % USUAL_SIZE_WEEKS:
            self._usual = fit_mixture(b, se, zero)
        usual = self._usual
        at = posterior(b, se, zero, usual.scales, usual.weights, delta=0.01, drift_now=zero, drift_next=zero)
        alarmed = {f for f in self.cards if self.alarm and self._changed(f, week)}
        # As after a retirement, only tests from now on count: the old ones would bring the card straight back.
        self._since[list(alarmed)] = week
        stays = {f for f in self.cards if at.p_gt_0[f] >= LEAVE_P} - alarmed
        for f in np.argsort(-at.expected_gain):
            enters = int(f) not in alarmed and at.p_gt_0[f] >= ENTER_P
            if len(stays) < MOST_CARDS and enters:
                stays.add(int(f))
        self.cards = {f: float(np.clip(at.p_gt_0[f], 0.5, 0.9)) for f in sorted(stays)}

    def _changed(self, feature: int, week: int) -> bool:
        """The change alarm: the last eight weeks are negative and contradict the older ones."""
        num = np.array([part[:, feature] for part in self._num])
        den = np.array([part[:, feature] for part in self._den])
        there = den > 1e-9
        weeks = np.array([np.datetime64(START + timedelta(weeks=i)) for i in range(len(num))])
        cells = Cells(
            np.arange(int(there.sum())),
            np.zeros(int(there.sum())),
            np.repeat(weeks, BRIEFS).reshape(there.shape)[there],
            num[there],
            den[there],
            np.full(int(there.sum()), VARIANTS),
        )
        alarm = change_z(cells, 1, START + timedelta(weeks=week + 1 - ALARM_WEEKS))
        return alarm is not None and alarm[0] < 0 and alarm[1] < ALARM_Z


def _log_odds(successes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    k = successes.astype(float)
    return np.log((k + 0.5) / (TRIALS - k + 0.5)), 1 / (k + 0.5) + 1 / (TRIALS - k + 0.5)
