"""Whole units that add up: for lists of decimals and for the groups of a frame."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.largest_remainder import whole_units, whole_units_by_group

PARTS = st.lists(st.decimals(min_value=-10_000, max_value=10_000, places=3), min_size=1, max_size=12)
WEIGHTS = st.lists(st.floats(0, 1e3, allow_subnormal=False), min_size=1, max_size=9).filter(lambda w: sum(w) > 1e-6)
TOTALS = st.integers(-(10**9), 10**9)


def split(weights: list[float], total: int) -> list[int]:
    rows = pl.DataFrame({"key": ["k"] * len(weights), "weight": weights, "total": total, "place": range(len(weights))})
    return whole_units_by_group(rows, group=["key"], weight="weight", total="total", ties=["place"]).to_list()


@settings(deadline=None)
@given(parts=PARTS)
def test_parts_sum_to_the_total_and_stay_within_one(parts):
    total = int(sum(parts, Decimal(0)).to_integral_value())
    units = whole_units(parts, total)
    assert sum(units) == total
    assert all(abs(unit - part) <= 1 for unit, part in zip(units, parts, strict=True))


@settings(deadline=None)
@given(parts=PARTS, total=st.integers(-(10**6), 10**6))
def test_any_total_is_met_exactly(parts, total):
    assert sum(whole_units(parts, total)) == total


@settings(deadline=None)
@given(parts=st.lists(st.integers(-50, 50), min_size=1, max_size=9))
def test_whole_parts_are_left_alone(parts):
    assert whole_units([Decimal(part) for part in parts], sum(parts)) == parts


@pytest.mark.parametrize(
    ("parts", "total", "units"),
    [
        pytest.param(["33.4", "33.3", "33.3"], 100, [34, 33, 33], id="the largest remainder gets the odd unit"),
        pytest.param(["0.5", "0.5", "0.5"], 1, [1, 0, 0], id="ties go to the earlier part"),
        pytest.param(["-0.5", "-0.5"], -1, [0, -1], id="negative parts are rounded down first"),
        pytest.param(["0.5", "0.5", "0.5"], -1, [0, 0, -1], id="a total below the floors takes from the last"),
        pytest.param(["0", "0"], 0, [0, 0], id="nothing to split"),
        pytest.param([], 0, [], id="no parts"),
    ],
)
def test_who_gets_the_odd_unit(parts, total, units):
    assert whole_units([Decimal(part) for part in parts], total) == units


def test_a_total_without_parts_is_refused():
    with pytest.raises(ValueError, match="no part to carry it"):
        whole_units([], 3)


@settings(deadline=None)
@given(weights=WEIGHTS, total=TOTALS)
def test_a_group_sums_to_its_total_and_a_reversal_mirrors_it(weights, total):
    units = split(weights, total)
    assert sum(units) == total
    assert split(weights, -total) == [-unit for unit in units]


@settings(deadline=None)
@given(weights=WEIGHTS, total=TOTALS)
def test_a_weight_of_zero_gets_at_most_a_unit_of_rounding(weights, total):
    assert all(
        abs(unit) <= 1
        for unit, weight in zip(split([*weights, 0.0], total), [*weights, 0.0], strict=True)
        if weight == 0
    )


@settings(deadline=None)
@given(weights=st.lists(st.integers(1, 40), min_size=1, max_size=9), total=st.integers(0, 10**6))
def test_lists_and_groups_follow_one_rule(weights, total):
    exact = [Decimal(weight) * total / Decimal(sum(weights)) for weight in weights]
    remainders = sorted(part - int(part) for part in exact)
    # Doubles and decimals may order remainders differently that are equal in exact arithmetic.
    if all(b - a > Decimal("1e-6") for a, b in pairwise(remainders)):
        assert split([float(weight) for weight in weights], total) == whole_units(exact, total)


def test_groups_are_apart_and_rows_keep_their_order():
    rows = pl.DataFrame(
        {
            "key": ["b", "a", "b", "a"],
            "weight": [1.0, 1.0, 1.0, 1.0],
            "total": [1, 3, 1, 3],
            "place": [2, 1, 1, 2],
        }
    )
    units = whole_units_by_group(rows, group=["key"], weight="weight", total="total", ties=["place"])
    assert units.to_list() == [0, 2, 1, 1]
