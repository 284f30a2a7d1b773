"""What the attribution models accept, and what they say when they do not."""

from __future__ import annotations

import polars as pl
import pytest

from models.attribution import aggregate, heuristics, joined, markov, markov_rows, path_warnings, shapley, unique_linear


def frame(*rows):
    names = ["path", "total_conversions", "total_conversion_value", "total_null"]
    types = dict(zip(names, (pl.String, pl.Float64, pl.Float64, pl.Float64), strict=True))
    return pl.DataFrame([dict(zip(names, row, strict=True)) for row in rows], schema=types)


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        pytest.param([("a", -1, 0, 0)], "total_conversions is negative", id="negative conversions"),
        pytest.param([("a", 1, 1, -2)], "total_null is negative", id="negative nulls"),
        pytest.param([("a", 1, float("nan"), 0)], "total_conversion_value is missing or not finite", id="NaN"),
        pytest.param([("a", 0, 9, 3)], "a value but no conversion", id="value without conversion"),
        pytest.param([(None, 1, 1, 0)], "path is missing", id="no path"),
        pytest.param([("a >  > b", 1, 1, 0)], "step ''", id="blank step"),
        pytest.param([("a >b", 1, 1, 0)], "step 'a >b'", id="broken separator"),
        pytest.param([(" a > b", 1, 1, 0)], "step ' a'", id="space around a name"),
    ],
)
def test_impossible_paths_are_refused(rows, complaint):
    with pytest.raises(ValueError, match=complaint):
        markov(frame(*rows))


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match=r"lacks the column.*total_null"):
        heuristics(frame().drop("total_null"))


def test_a_channel_named_like_the_separator_is_refused_before_it_is_joined():
    with pytest.raises(ValueError, match="'search > brand'"):
        joined(["mail", "search > brand"])
    with pytest.raises(ValueError, match="untracked"):
        joined([])
    assert joined(["mail", "search"]) == "mail > search"


@pytest.mark.parametrize("model", [heuristics, unique_linear, markov, markov_rows, lambda p: shapley(p, seed=1)])
def test_no_path_gives_no_row(model):
    assert model(frame()).height == 0


def test_paths_in_which_nothing_happened_are_dropped():
    assert markov(frame(("a", 0, 0, 0), ("b", 1, 5, 0)))["channel"].to_list() == ["b"]


@pytest.mark.parametrize("nulls", [True, False])
def test_no_conversion_gives_zeros_and_a_warning(nulls):
    paths = frame(("a > b", 0, 0, 3), ("b", 0, 0, 1))
    found = markov(paths, nulls=nulls)
    assert found.select(pl.exclude("channel")).sum_horizontal().to_list() == [0.0, 0.0]
    assert [w.code for w in path_warnings(paths)] == ["no_conversion"]
    assert shapley(paths, seed=1)["conversions"].to_list() == [0.0, 0.0]


def test_a_channel_seen_only_on_lost_paths_keeps_a_row_of_zeros():
    found = markov(frame(("a", 2, 10, 0), ("b", 0, 0, 4)), nulls=False)
    assert found.row(1) == ("b", 0.0, 0.0, 0.0, 0.0)


def test_refunds_may_exceed_sales_and_are_named():
    paths = frame(("a > b", 1, -30, 1), ("a", 1, 50, 1))
    assert markov(paths)["value"].sum() == pytest.approx(20)
    assert "refunds_above_sales" in {w.code for w in path_warnings(paths)}


def test_touches_aggregate_to_distinct_paths():
    touches = pl.DataFrame(
        {"path_id": [1, 1, 2, 2, 3], "position": [2, 1, 1, 2, 1], "channel": ["b", "a", "a", "b", "c"]}
    )
    outcomes = pl.DataFrame(
        {"path_id": [1, 2, 3, 4], "conversions": [1, 0, 0, 1], "value": [9.0, 0, 0, 7], "nulls": [0, 1, 1, 0]}
    )
    assert aggregate(touches, outcomes).rows() == [("a > b", 1, 9.0, 1), ("c", 0, 0.0, 1)]
    with pytest.raises(ValueError, match="path_id=3"):
        aggregate(touches, outcomes.filter(pl.col("path_id") != 3))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("a", [1.0], id="one"),
        pytest.param("a > b", [0.5, 0.5], id="two"),
        pytest.param("a > b > c", [0.4, 0.2, 0.4], id="three"),
        pytest.param("a > b > c > d > e", [0.4, 0.2 / 3, 0.2 / 3, 0.2 / 3, 0.4], id="five"),
    ],
)
def test_position_based_shares(path, expected):
    found = heuristics(frame((path, 1, 100, 0))).filter(model="position_based")
    assert found["conversions"].to_list() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("path", "channel"), [("mail > direct > direct", "mail"), ("direct > direct", "direct"), ("direct > ads", "ads")]
)
def test_last_non_direct_looks_past_direct_visits(path, channel):
    found = heuristics(frame((path, 1, 100, 0))).filter(model="last_non_direct")
    assert found.filter(pl.col("conversions") == 1)["channel"].to_list() == [channel]
