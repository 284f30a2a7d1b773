"""What must hold for any set of paths."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.attribution import (
    credit_warnings,
    heuristics,
    markov,
    markov_credit,
    markov_rows,
    shapley,
    shapley_rows,
    transitions,
)
from models.attribution.chain import chain
from models.attribution.paths import journeys

CHANNELS = "abcde"
quick = settings(max_examples=25, deadline=None)


@st.composite
def path_frames(draw, most=12, longest=6):
    rows = draw(
        st.lists(
            st.tuples(
                st.lists(st.sampled_from(CHANNELS), min_size=1, max_size=longest).map(" > ".join),
                st.integers(0, 6),
                st.integers(0, 6),
            ),
            min_size=1,
            max_size=most,
        ).filter(lambda found: any(row[1] for row in found))
    )
    return pl.DataFrame(
        {
            "path": [row[0] for row in rows],
            "total_conversions": [float(row[1]) for row in rows],
            "total_conversion_value": [row[1] * (3.0 + len(row[0])) for row in rows],
            "total_null": [float(row[2]) for row in rows],
        }
    )


@quick
@given(path_frames())
def test_every_rule_hands_out_everything_once(paths):
    totals = heuristics(paths).group_by("model").agg(pl.col("conversions", "value").sum())
    for _, conversions, value in totals.iter_rows():
        assert conversions == pytest.approx(paths["total_conversions"].sum(), rel=1e-12)
        assert value == pytest.approx(paths["total_conversion_value"].sum(), rel=1e-12)


@quick
@given(path_frames(), st.integers(1, 4), st.booleans())
def test_the_chain_reproduces_the_conversion_rate(paths, order, nulls):
    walked = journeys(paths)
    reached = chain(walked, order, nulls=nulls).success()
    weight = walked.conversions.sum() + (walked.nulls.sum() if nulls else 0)
    assert reached[0] == pytest.approx(walked.conversions.sum() / weight, rel=1e-10)
    assert reached[1] == pytest.approx(walked.value.sum() / weight, rel=1e-10)


@quick
@given(path_frames(), st.integers(1, 3))
def test_removal_effects_are_shares_and_credit_adds_up(paths, order):
    found = markov(paths, order=order)
    assert found["removal_effect_conversions"].is_between(0, 1).all()
    assert found["conversions"].sum() == pytest.approx(paths["total_conversions"].sum(), rel=1e-9)
    assert (found["conversions"] >= 0).all()


@quick
@given(path_frames(), st.integers(1, 3))
def test_volume_row_order_and_splitting_change_nothing(paths, order):
    before = markov(paths, order=order)
    half = paths.with_columns(pl.col("total_conversions", "total_conversion_value", "total_null") / 2)
    shuffled = paths.sample(fraction=1.0, shuffle=True, seed=3)
    # Sums of the same rows in another order may differ in the last bit; halves of integers are exact.
    for changed in (pl.concat([half, half]), shuffled):
        after = markov(changed, order=order)
        assert after["removal_effect_conversions"].to_list() == pytest.approx(
            before["removal_effect_conversions"].to_list(), abs=1e-12
        )
    scaled = paths.with_columns(pl.col("total_conversions", "total_null") * 7)
    assert markov(scaled, order=order)["removal_effect_conversions"].to_list() == pytest.approx(
        before["removal_effect_conversions"].to_list(), abs=1e-12
    )


@quick
@given(path_frames())
def test_a_channel_that_opens_every_path_has_the_full_effect(paths):
    opened = paths.with_columns(path="z > " + pl.col("path"))
    effect = dict(markov(opened).select("channel", "removal_effect_conversions").iter_rows())
    assert effect["z"] == pytest.approx(1.0, abs=1e-12)


@quick
@given(path_frames(longest=4))
def test_full_memory_counts_the_conversions_a_channel_touched(paths):
    found = markov(paths, order=4)
    total = paths["total_conversions"].sum()
    for channel, effect in found.select("channel", "removal_effect_conversions").iter_rows():
        touched = paths.filter(pl.col("path").str.split(" > ").list.contains(channel))["total_conversions"].sum()
        assert effect == pytest.approx(touched / total, abs=1e-12)


@quick
@given(path_frames(), st.integers(1, 3), st.booleans())
def test_probabilities_out_of_every_state_sum_to_one(paths, order, nulls):
    leaving = transitions(paths, order=order, nulls=nulls).group_by("source").agg(pl.col("probability").sum())
    assert leaving["probability"].to_list() == pytest.approx([1.0] * leaving.height, abs=1e-12)


@quick
@given(path_frames())
def test_shapley_is_never_negative_and_adds_up(paths):
    found = shapley(paths, seed=1)
    assert (found["conversions"] >= 0).all()
    assert found["conversions"].sum() == pytest.approx(paths["total_conversions"].sum(), rel=1e-9)


@quick
@given(path_frames())
def test_shapley_equals_the_average_over_all_orders(paths):
    walked = journeys(paths)
    names, game = walked.channels, chain(walked, 1, nulls=True)
    gains = np.zeros(len(names))
    for order in permutations(range(len(names))):
        kept, before = np.zeros(len(names), dtype=bool), 0.0
        for c in order:
            kept[c] = True
            after = game.success(kept)[0]
            gains[c] += after - before
            before = after
    expected = gains / gains.sum() * walked.conversions.sum()
    assert shapley(paths, seed=1)["conversions"].to_list() == pytest.approx(expected.tolist(), abs=1e-9)


@quick
@given(path_frames())
def test_row_totals_add_up_to_all_conversions(paths):
    for totals in (markov_rows(paths), shapley_rows(paths, seed=1)):
        assert totals["conversions"].sum() == pytest.approx(paths["total_conversions"].sum(), rel=1e-9)
        assert totals["value"].sum() == pytest.approx(paths["total_conversion_value"].sum(), rel=1e-9)


@quick
@given(path_frames())
def test_credit_rows_agree_with_their_totals(paths):
    touches = []
    for index, (path, count) in enumerate(paths.select("path", "total_conversions").iter_rows()):
        for repeat in range(int(count)):
            steps = path.split(" > ")
            touches += [(f"{index}-{repeat}", f"{index}-{repeat}-{i}", c) for i, c in enumerate(steps)]
    rows = pl.DataFrame(touches, schema=["conversion_id", "touch_id", "channel"], orient="row")
    credit = markov_credit(rows, paths)
    assert credit.group_by("conversion_id").agg(pl.col("weight").sum())["weight"].to_list() == pytest.approx(
        [1.0] * rows["conversion_id"].n_unique(), abs=1e-12
    )
    totals = dict(credit.group_by("channel").agg(pl.col("weight").sum()).iter_rows())
    for channel, conversions in markov_rows(paths).select("channel", "conversions").iter_rows():
        assert totals.get(channel, 0.0) == pytest.approx(conversions, abs=1e-9)


def test_the_same_paths_give_the_same_bits():
    paths = pl.DataFrame(
        {
            "path": ["a > b > c", "b > a", "c", "a > a > c > b"],
            "total_conversions": [3, 2, 1, 5],
            "total_conversion_value": [0.1, 0.7, 0.3, 9.1],
            "total_null": [7, 1, 4, 2],
        }
    )
    assert markov(paths, order=2).equals(markov(paths.reverse(), order=2))


def test_a_sparse_chain_gives_what_the_dense_one_gives(monkeypatch):
    generator = np.random.default_rng(5)
    paths = pl.DataFrame(
        {
            "path": [" > ".join(generator.choice(list("abcdefgh"), generator.integers(1, 7))) for _ in range(300)],
            "total_conversions": generator.integers(0, 4, 300) + 1.0,
            "total_conversion_value": generator.uniform(1, 9, 300),
            "total_null": generator.integers(0, 9, 300) * 1.0,
        }
    )
    dense = markov(paths, order=2)
    monkeypatch.setattr("models.attribution.chain.DENSE_STATES", 0)
    sparse = markov(paths, order=2)
    for measure in ("conversions", "value", "removal_effect_conversions"):
        assert sparse[measure].to_list() == pytest.approx(dense[measure].to_list(), rel=1e-10)


def test_a_target_no_row_can_meet_is_capped_and_named():
    # The chain sends most of its success through b, which shares few conversions with anybody.
    paths = pl.DataFrame(
        {
            "path": ["b > a", "b", "a", "a > b > c"],
            "total_conversions": [1.0, 90.0, 1.0, 1.0],
            "total_conversion_value": [1.0, 90.0, 1.0, 1.0],
            "total_null": [0.0, 0.0, 80.0, 0.0],
        }
    )
    capped = paths.with_columns(path=pl.col("path").replace("a > b > c", "a > c"))
    assert "b" in {w.subject for w in credit_warnings(capped) if w.code == "attribution_target_capped"}
    assert markov_rows(capped)["conversions"].sum() == pytest.approx(93)
    assert credit_warnings(paths.filter(pl.col("path") != "a > b > c")) == ()
