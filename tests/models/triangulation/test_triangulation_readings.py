"""What single sources say of a channel: the error of counting, several readings as one."""

from __future__ import annotations

import polars as pl
import pytest

from models.triangulation import counting_error, pooled


@pytest.mark.parametrize(
    ("claim", "conversions", "error"),
    [
        pytest.param(3.0, 100.0, 0.3, id="a tenth of the claim"),
        pytest.param(3.0, 0.2, 3.0, id="less than one conversion"),
    ],
)
def test_the_error_of_counting_falls_with_the_root_of_the_count(claim, conversions, error):
    assert counting_error(claim, conversions) == pytest.approx(error)


def test_readings_are_pooled_by_their_precision_per_channel_and_method():
    rows = pl.DataFrame(
        {
            "channel": ["tv", "tv", "tv", "radio"],
            "method": ["experiment", "platform", "experiment", "platform"],
            "iroas": [1.0, 9.0, 4.0, 2.0],
            "se": [1.0, 3.0, 0.5, 0.1],
        }
    )
    estimates = pooled(rows)
    assert estimates.select("channel", "method").rows() == [
        ("radio", "platform"),
        ("tv", "experiment"),
        ("tv", "platform"),
    ]
    tests = estimates.row(1, named=True)
    assert tests["mean"] == pytest.approx((1.0 + 4 * 4.0) / 5)
    assert tests["sd"] == pytest.approx(5**-0.5)
    assert tests["q95"] - tests["q05"] == pytest.approx(2 * 1.6448536269514722 * 5**-0.5)
