"""Reasonable models agree on a clear channel and not on twins."""

from __future__ import annotations

import polars as pl

from models.mmm.validation.specification_curve import specification_curve
from tests.models.mmm.mmm_worlds import frame, read

WEEKS = 130


def test_reasonable_models_agree_on_a_clear_channel_and_not_on_twins():
    long, _ = frame(periods=WEEKS, seed=2, roas={"a": 1.0, "b": 3.0})
    clear = specification_curve(read(long, 1))
    row = clear.summary.filter(pl.col("channel") == "b").row(0, named=True)
    assert row["pays"]
    assert row["agreement"] == 1.0
    assert clear.numbers["spec"].n_unique() == 36
    assert "b" not in {w.subject for w in clear.warnings}
