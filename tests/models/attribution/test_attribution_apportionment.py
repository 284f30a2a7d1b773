"""Amounts in whole cents that add up to what was booked."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.attribution import cents


def weighted(weights, conversion="k"):
    return pl.DataFrame(
        {
            "conversion_id": [conversion] * len(weights),
            "touch_id": [f"t{i}" for i in range(len(weights))],
            "weight": [float(w) for w in weights],
        }
    )


def amount(minor, conversion="k"):
    return pl.DataFrame({"conversion_id": [conversion], "amount_minor": [minor]})


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.floats(0, 1e3, allow_subnormal=False), min_size=1, max_size=9).filter(lambda w: sum(w) > 1e-6),
    st.one_of(st.integers(-(10**7), 10**7), st.integers(-(2**53), 2**53)),
)
def test_cents_add_up_to_the_amount_and_stay_within_one_of_the_share(weights, minor):
    found = cents(weighted(weights), amount(minor))
    assert found["amount_minor"].sum() == minor
    share = np.array(weights) / np.sum(weights) * minor
    # Beyond 2^43 minor units a double no longer holds a share to the hundredth of a unit.
    if abs(minor) < 2**43:
        assert np.abs(found["amount_minor"].to_numpy() - share).max() < 1.01


def test_the_odd_cent_goes_to_the_largest_remainder_then_the_earlier_touch():
    assert cents(weighted([1, 1, 1]), amount(100))["amount_minor"].to_list() == [34, 33, 33]
    assert cents(weighted([1, 1, 1]), amount(-100))["amount_minor"].to_list() == [-34, -33, -33]
    assert cents(weighted([0.334, 0.333, 0.333]), amount(2))["amount_minor"].to_list() == [1, 1, 0]
    later_first = weighted([1, 1]).with_columns(position=pl.Series([2, 1]))
    assert cents(later_first, amount(1))["amount_minor"].to_list() == [0, 1]


def test_row_order_changes_no_cent_and_models_are_apart():
    both = pl.concat(
        [weighted([1, 2]).with_columns(model=pl.lit("a")), weighted([5, 1]).with_columns(model=pl.lit("b"))]
    )
    found = cents(both, amount(101))
    assert found.group_by("model").agg(pl.col("amount_minor").sum())["amount_minor"].to_list() == [101, 101]
    key = ["model", "touch_id"]
    assert cents(both.reverse(), amount(101)).sort(key).equals(found.sort(key))


@pytest.mark.parametrize(
    ("weights", "amounts", "complaint"),
    [
        pytest.param(weighted([1, -1]), amount(5), "weight=-1.0", id="negative weight"),
        pytest.param(weighted([0, 0]), amount(5), "all weights", id="nobody"),
        pytest.param(weighted([1]), amount(5, "other"), "no amount_minor", id="no amount"),
        pytest.param(pl.concat([weighted([1])] * 2), amount(5), "given twice", id="touch twice"),
        pytest.param(weighted([1]), amount(2**53 + 2), "beyond 2\\^53", id="too large"),
        pytest.param(weighted([1]), pl.concat([amount(1)] * 2), "twice", id="amount twice"),
    ],
)
def test_impossible_weights_and_amounts_are_refused(weights, amounts, complaint):
    with pytest.raises(ValueError, match=complaint):
        cents(weights, amounts)
