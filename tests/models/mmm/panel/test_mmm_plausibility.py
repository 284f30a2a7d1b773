"""Columns that cannot mean what they are declared to mean are named."""

from __future__ import annotations

import polars as pl
import pytest

from models.mmm import MMMData
from tests.models.mmm.mmm_worlds import frame

LONG, _ = frame(periods=60)
PANEL, _ = frame(geos=3, periods=60)


def read(long: pl.DataFrame, **choices):
    return MMMData.from_frame(long, **{"date": "date", "kpi": "kpi", "spend": {"a": "a", "b": "b"}, **choices})


def first(column, value):
    row = pl.int_range(pl.len()) == 5
    return LONG.with_columns(pl.when(row).then(value).otherwise(pl.col(column)).alias(column))


def found_in(long, **choices):
    return {(w.code, w.subject) for w in read(long, **choices).findings}


HALF = pl.int_range(pl.len()) < 30


@pytest.mark.parametrize(
    ("long", "choices", "finding"),
    [
        pytest.param(
            LONG.with_columns(shown=pl.when(HALF).then(0.0).otherwise(pl.col("a") * 90)),
            {"exposure": {"a": "shown"}},
            ("spend_without_delivery", "a"),
            id="impressions missing for a year",
        ),
        pytest.param(
            LONG.with_columns(shown=pl.col("a") * 90, a=pl.when(HALF).then(0.0).otherwise(pl.col("a"))),
            {"exposure": {"a": "shown"}},
            ("delivery_without_spend", "a"),
            id="spend missing for a year",
        ),
        pytest.param(
            LONG.with_columns(shown=pl.when(HALF).then(pl.col("a") / 1000).otherwise(pl.col("a"))),
            {"exposure": {"a": "shown"}},
            ("cost_per_delivery_jumps", "a"),
            id="impressions in thousands at first",
        ),
        pytest.param(
            LONG.with_columns(a=pl.when(HALF).then(pl.col("a") * 100).otherwise(pl.col("a"))),
            {},
            ("unit_changes", "a"),
            id="spend in cents at first",
        ),
        pytest.param(
            LONG.with_columns(kpi=pl.when(HALF).then(pl.col("kpi") * 100).otherwise(pl.col("kpi"))),
            {},
            ("unit_changes", "kpi"),
            id="sales in cents at first",
        ),
        pytest.param(
            LONG.with_columns(price=pl.lit(3.0)),
            {"controls": {"price": "precision"}},
            ("constant_column", "price"),
            id="constant control",
        ),
        pytest.param(first("kpi", 2e5), {}, ("kpi_spike", "kpi"), id="a week of twenty"),
        pytest.param(first("kpi", 900.0), {}, ("kpi_dip", "kpi"), id="a week that is not complete"),
        pytest.param(
            LONG.with_columns(a=pl.col("kpi") * 0.1 + pl.col("price").abs() * 20),
            {},
            ("channel_like_kpi", "a"),
            id="a budget set as a share of sales",
        ),
    ],
)
def test_values_that_cannot_mean_what_they_say_are_named(long, choices, finding):
    assert finding in found_in(long, **choices)


def test_ordinary_data_have_no_findings():
    delivered = LONG.with_columns(shown=pl.col("a") * 90 * (1.1 + pl.col("price") * 0.02))
    assert found_in(delivered, exposure={"a": "shown"}, controls={"price": "precision"}) == set()
