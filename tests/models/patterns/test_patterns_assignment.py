"""The draw of cards: repeatable, keyed, and on as often as the logged probability says."""

from __future__ import annotations

import math
from collections import Counter

import pytest

from models.patterns.assignment import (
    AssignmentRefused,
    ExposureRules,
    MenuCard,
    draw,
    inclusion_probabilities,
    pair_role,
)

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
MENU = (
    MenuCard("pat_aaaaaaaa", 0.5),
    MenuCard("pat_bbbbbbbb", 0.9, frozenset({"pat_cccccccc"})),
    MenuCard("pat_cccccccc", 0.7),
    MenuCard("pat_dddddddd", 0.5),
)


@pytest.mark.parametrize("n", [8_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_a_card_is_on_as_often_as_the_logged_probability_says(n):
    on: Counter[str] = Counter()
    for i in range(n):
        on.update(draw(KEY, f"brief {i // 2}", i % 2, MENU).on)
    for name, p in inclusion_probabilities(MENU, ExposureRules()).items():
        # Two variants of one brief share its pair draw, which only lowers the variance of the sum: 4 se of a
        # binomial is the bound of the reference.
        assert abs(on[name] / n - p) < 4 * math.sqrt(p * (1 - p) / n), name


def test_the_same_inputs_give_the_same_draw_and_another_epoch_an_independent_one():
    briefs = [f"b{i}" for i in range(3000)]
    one = [draw(KEY, b, 0, MENU).on for b in briefs]
    assert one == [draw(KEY, b, 0, reversed(MENU)).on for b in briefs]
    other = [draw(OTHER_KEY, b, 0, MENU).on for b in briefs]
    both = sum("pat_aaaaaaaa" in a and "pat_aaaaaaaa" in b for a, b in zip(one, other, strict=True)) / len(briefs)
    p = inclusion_probabilities(MENU, ExposureRules())["pat_aaaaaaaa"]
    assert abs(both - p**2) < 4 * math.sqrt(p**2 * (1 - p**2) / len(briefs))


def test_inclusion_without_conflicts_is_the_reference_formula():
    menu = (MenuCard("a", 0.5), MenuCard("b", 0.5), MenuCard("c", 0.9))
    rules = ExposureRules()
    p_of = {"a": 0.5, "b": 0.5, "c": 0.9}
    expected = 0.0
    for m, p_m in ((1, 0.42), (2, 0.49)):
        for b in (0, 1):
            for c in (0, 1):
                p_s = 0.5 * (p_of["b"] if b else 1 - p_of["b"]) * (p_of["c"] if c else 1 - p_of["c"])
                expected += p_m * p_s * min(1, m / (1 + b + c))
    assert inclusion_probabilities(menu, rules, variant_ix=2)["a"] == pytest.approx(expected)
    assert inclusion_probabilities(menu, rules, variant_ix=1)["a"] == pytest.approx(expected * 0.85)


def test_cards_that_exclude_each_other_are_never_on_together():
    for i in range(2000):
        assert not {"pat_bbbbbbbb", "pat_cccccccc"} <= set(draw(KEY, f"b{i}", 0, MENU).on)


def test_a_pair_brief_has_one_variant_without_cards_and_nothing_shown_tells_it_apart():
    rules = ExposureRules()
    roles = [(pair_role(KEY, f"b{i}", 0, rules), pair_role(KEY, f"b{i}", 1, rules)) for i in range(5000)]
    assert set(roles) == {("on", "off"), ("off", "on"), ("unpaired", "unpaired")}
    paired = sum(a != "unpaired" for a, _ in roles)
    assert abs(paired / 5000 - 0.30) < 4 * math.sqrt(0.3 * 0.7 / 5000)
    assert abs(sum(a == "on" for a, _ in roles) / paired - 0.5) < 4 * math.sqrt(0.25 / paired)
    shown = {tuple(draw(KEY, f"b{i}", 0, MENU).p.items()) for i in range(200)}
    assert len(shown) == 1
    assert all(not draw(KEY, f"b{i}", 0, MENU).on for i, (a, _) in enumerate(roles[:500]) if a == "off")


def test_neutral_cards_are_never_dealt_and_a_long_list_keeps_its_strongest():
    menu = [MenuCard("neutral", 0.0), *(MenuCard(f"card {i:02}", 0.5 + i / 100) for i in range(14))]
    p = inclusion_probabilities(menu, ExposureRules())
    assert list(p) == [f"card {i:02}" for i in range(4, 14)]
    assert sum(p.values()) < 2


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        pytest.param({"key": b"short"}, "5 bytes", id="key that can be guessed"),
        pytest.param({"variant_ix": -1}, "variant number -1", id="no such variant"),
        pytest.param({"variant_ix": 8}, "variant number 8", id="fishing for another draw"),
        pytest.param({"brief": "b1\x1f0"}, "control characters", id="an id that could pose as another"),
        pytest.param({"cards": [MenuCard("a", 1.2)]}, "p_assign of a is 1.2", id="no probability"),
    ],
)
def test_impossible_draws_are_refused(change, complaint):
    arguments = {"key": KEY, "brief": "b1", "variant_ix": 0, "cards": MENU} | change
    with pytest.raises(AssignmentRefused, match=complaint):
        draw(**arguments)
