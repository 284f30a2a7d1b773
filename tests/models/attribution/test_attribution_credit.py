"""Credit rows of path models."""

from __future__ import annotations

import polars as pl
import pytest

from models.attribution import markov_credit


def test_credit_of_an_unknown_channel_is_refused():
    touches = pl.DataFrame({"conversion_id": [1], "touch_id": ["x"], "channel": ["radio"]})
    paths = pl.DataFrame(
        {
            "path": ["ads > mail", "ads"],
            "total_conversions": [3.0, 1.0],
            "total_conversion_value": [30.0, 5.0],
            "total_null": [2.0, 4.0],
        }
    )
    with pytest.raises(ValueError, match="'radio'"):
        markov_credit(touches, paths)
