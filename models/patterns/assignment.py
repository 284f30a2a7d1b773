"""Which cards a variant receives: a keyed draw inside each brief, and the probability with which each card is on.

Pure arithmetic on a secret key; what a card says and who may read it is not decided here.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import combinations
from math import comb
from types import MappingProxyType
from typing import Literal

from models.error import PlumblineError
from models.pattern_rules import ExposureRules

PairRole = Literal["on", "off", "unpaired"]
SEPARATOR = "\x1f"
SHORTEST_KEY = 16
# The inclusion probability sums over all subsets of the cards: 2^10 is a millisecond, 2^20 is not.
MOST_CARDS = 10
MOST_VARIANTS = 8
PAIR = (0, 1)  # the two variants of a pair brief; a third one is drawn as in any other brief


class AssignmentRefused(PlumblineError, ValueError):
    """A draw that cannot be made: a key that can be guessed, an id that cannot be hashed, an unknown variant."""


@dataclass(frozen=True)
class MenuCard:
    """A card that could be dealt: its pattern, the probability of its own draw, patterns it must not stand beside."""

    pattern_id: str
    p_assign: float
    conflicts_with: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Draw:
    """One variant's draw. `on` holds patterns in the order in which they were accepted.

    `p` is the inclusion probability of every card of the menu: over all keys and briefs, with slots, conflicts and
    pair briefs counted. It is not `p_assign`, and weights of learning use `p`. It does not depend on whether this brief
    is a pair brief, so whoever sees it learns nothing about `role`.
    """

    on: tuple[str, ...]
    p: Mapping[str, float]
    role: PairRole


def draw(
    key: bytes, brief: str, variant_ix: int, cards: Iterable[MenuCard], rules: ExposureRules | None = None
) -> Draw:
    """The cards that variant number `variant_ix` (from 0) of a brief receives.

    The same arguments give the same draw; another key gives an independent one. Every decision (slot, pair, card, rank)
    has its own label in HMAC-SHA256, so none can be told from another. Cards with `p_assign` 0 are never dealt; of more
    than ten cards the ten with the highest `p_assign` count. `brief` must name the brand too where two brands share a
    key. Raises AssignmentRefused for a key of fewer than 16 bytes, ids with control characters, or a variant
    number outside 0 to 7.
    """
    rules = rules or ExposureRules()
    menu = _menu(cards)
    _refuse_impossible(key, brief, variant_ix, menu)
    role = pair_role(key, brief, variant_ix, rules)

    def uniform(label: str, item: str = "") -> float:
        message = SEPARATOR.join((label, brief, str(variant_ix), item)).encode()
        return int.from_bytes(hmac.digest(key, message, hashlib.sha256), "big") / 2**256

    places = 0 if role == "off" else sum(uniform("slot", str(i)) < 1 - rules.explore_floor for i in range(rules.slots))
    ready = [card for card in menu if uniform("card", card.pattern_id) < card.p_assign]
    on = _accepted(sorted(ready, key=lambda card: uniform("rank", card.pattern_id)), places)
    return Draw(on, _inclusion(menu, rules, variant_ix in PAIR), role)


def pair_role(key: bytes, brief: str, variant_ix: int, rules: ExposureRules) -> PairRole:
    """`off` for the variant of a pair brief that gets no card, `on` for its partner, `unpaired` for all others."""
    if variant_ix not in PAIR:
        return "unpaired"
    whole = int.from_bytes(hmac.digest(key, SEPARATOR.join(("pair", brief)).encode(), hashlib.sha256), "big") / 2**256
    if whole >= rules.pair_share:
        return "unpaired"
    coin = hmac.digest(key, SEPARATOR.join(("pair side", brief)).encode(), hashlib.sha256)[0] & 1
    return "off" if variant_ix == coin else "on"


def inclusion_probabilities(
    cards: Iterable[MenuCard], rules: ExposureRules, variant_ix: int = 0
) -> Mapping[str, float]:
    """Probability that each card is on for a variant, before the key is known; exact.

    Sums over the number of open slots, the subsets of cards whose own draw succeeds, and the orders in which a subset
    is accepted; times 1 - pair_share / 2 for the first two variants, one of which gets nothing in a pair brief.
    """
    return _inclusion(_menu(cards), rules, variant_ix in PAIR)


def _menu(cards: Iterable[MenuCard]) -> tuple[MenuCard, ...]:
    drawable = [card for card in cards if card.p_assign > 0]
    strongest = sorted(drawable, key=lambda card: (-card.p_assign, card.pattern_id))[:MOST_CARDS]
    return tuple(sorted(strongest, key=lambda card: card.pattern_id))


@lru_cache(maxsize=256)
def _inclusion(menu: tuple[MenuCard, ...], rules: ExposureRules, pairable: bool) -> Mapping[str, float]:
    slots, explore_floor = rules.slots, rules.explore_floor
    accepted = _acceptance(menu)
    total = dict.fromkeys((card.pattern_id for card in menu), 0.0)
    for places in range(1, slots + 1):
        p_places = comb(slots, places) * (1 - explore_floor) ** places * explore_floor ** (slots - places)
        for size in range(1, len(menu) + 1):
            for ready in combinations(range(len(menu)), size):
                p_ready = 1.0
                for i, card in enumerate(menu):
                    p_ready *= card.p_assign if i in ready else 1 - card.p_assign
                for i, p in accepted(frozenset(ready), places).items():
                    total[menu[i].pattern_id] += p_places * p_ready * p
    share = 1 - rules.pair_share / 2 if pairable else 1.0
    return MappingProxyType({name: p * share for name, p in total.items()})


def _acceptance(menu: Sequence[MenuCard]) -> Callable[[frozenset[int], int], Mapping[int, float]]:
    """(cards left, places left) -> probability that each of them is accepted, when their order is random."""
    rivals = [
        frozenset(
            j
            for j, other in enumerate(menu)
            if other.pattern_id in card.conflicts_with or card.pattern_id in other.conflicts_with
        )
        for card in menu
    ]

    @cache
    def accepted(left: frozenset[int], places: int) -> Mapping[int, float]:
        result = dict.fromkeys(left, 0.0)
        if not places or not left:
            return result
        # The first of a random order is any of them; it shuts out its rivals, and the rest is again in random order.
        for i in left:
            result[i] += 1 / len(left)
            for j, p in accepted(left - {i} - rivals[i], places - 1).items():
                result[j] += p / len(left)
        return result

    return accepted


def _accepted(ranked: Sequence[MenuCard], places: int) -> tuple[str, ...]:
    on: list[MenuCard] = []
    for card in ranked:
        if len(on) == places:
            break
        clash = any(card.pattern_id in o.conflicts_with or o.pattern_id in card.conflicts_with for o in on)
        if not clash:
            on.append(card)
    return tuple(card.pattern_id for card in on)


def _refuse_impossible(key: bytes, brief: str, variant_ix: int, menu: Sequence[MenuCard]) -> None:
    if len(key) < SHORTEST_KEY:
        raise AssignmentRefused(f"the key has {len(key)} bytes", fix=f"use at least {SHORTEST_KEY} random ones")
    if not 0 <= variant_ix < MOST_VARIANTS:
        raise AssignmentRefused(
            f"variant number {variant_ix} is not one of 0 to {MOST_VARIANTS - 1}", fix="number variants from 0"
        )
    for name in (brief, *(card.pattern_id for card in menu)):
        if not name or not name.isprintable():
            raise AssignmentRefused(f"{name!r} is empty or has control characters", fix="use a printable id")
    for card in menu:
        if not card.p_assign <= 1:
            raise AssignmentRefused(f"p_assign of {card.pattern_id} is {card.p_assign}", fix="use a value up to 1")
