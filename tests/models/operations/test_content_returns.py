"""The cost of content in a channel's return, on figures that a reader can check by eye."""

from __future__ import annotations

import polars as pl
import pytest

from models.operations.returns import channel_returns, pattern_costs

PIECES = pl.DataFrame(
    {
        "variant": ["v1", "v2", "v3", "v4"],
        "channel": ["social", "social", "mail", "quiet"],
        "cost": [60.0, 40.0, 10.0, None],
        "tokens": [1000.0, None, None, None],
        "human_minutes": [5.0, 7.0, None, None],
    }
)
IROAS = pl.DataFrame({"channel": ["social"], "mean": [2.0], "q05": [1.0], "q95": [3.0], "measured": [True]})


def test_content_cost_lowers_the_margin_iroas():
    found = {r.subject: r for r in channel_returns(PIECES, IROAS, {"social": 900.0}, 0.5)}
    social = found["social"]
    assert (social.margin_iroas, social.low, social.high) == pytest.approx((0.9, 0.45, 1.35))
    assert (social.content_cost, social.tokens, social.human_minutes) == (100.0, 1000.0, 12.0)
    assert (found["mail"].state, found["mail"].margin_iroas) == ("not applicable", None)
    assert "no cost" in found["quiet"].reason


def test_what_is_missing_is_said():
    (social, *_) = [r for r in channel_returns(PIECES, IROAS, {"social": 900.0}, None) if r.subject == "social"]
    assert (social.state, social.reason) == ("could not be computed", "margin is not set in plumbline.yaml")
    prior = IROAS.with_columns(pl.lit(False).alias("measured"))
    (social, *_) = [r for r in channel_returns(PIECES, prior, {"social": 900.0}, 0.5) if r.subject == "social"]
    assert (social.state, social.margin_iroas) == ("range only", None)
    partly = PIECES.with_columns(pl.lit("social").alias("channel"))
    (social,) = channel_returns(partly, IROAS, {"social": 900.0}, 0.5)
    assert "1 of 4 pieces have no cost" in social.reason


def test_a_pattern_has_costs_and_no_return():
    features = pl.DataFrame({"variant": ["v1", "v3", "v9"], "feature": ["headline.you"] * 3})
    (row,) = pattern_costs(PIECES, features)
    assert (row.pieces, row.content_cost, row.margin_iroas, row.state) == (2, 70.0, None, "not applicable")
