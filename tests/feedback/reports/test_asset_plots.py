"""Pictures for the pipeline: real PNGs, small enough for the event log, from frames as the assets hand them over."""

from __future__ import annotations

import io
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from PIL import Image

from feedback.reports import asset_plots

WEEKS = [date(2024, 1, 1) + timedelta(weeks=i) for i in range(150)]
NAMES = [f"channel_{i}" for i in range(12)]
RNG = np.random.default_rng(5)
NOISE = RNG.gamma(2.0, 100.0, (150, 12))  # noise compresses worst: what passes here passes on real data


def long(key: str, amount: str) -> pl.DataFrame:
    rows = [
        {key: week, "channel": name, amount: float(NOISE[w, c])}
        for w, week in enumerate(WEEKS)
        for c, name in enumerate(NAMES)
    ]
    return pl.DataFrame(rows)


FRAMES = {
    "spend": long("week", "spend"),
    "kpi_fit": pl.DataFrame({"date": WEEKS, "observed": NOISE[:, 0], "fitted": NOISE[:, 1]}),
    "contributions": long("date", "mean").rename({"channel": "component"}),
    "evidence": pl.DataFrame(
        [
            {
                "channel": name,
                "method": method,
                "mean": 1.0 + c,
                "q05": None if method == "platform" else 0.5,
                "q95": 9.0,
            }
            for c, name in enumerate(NAMES)
            for method in ("mmm", "experiment", "platform", "triangulated")
        ]
    ),
    "experiment": pl.DataFrame(
        {
            "day": WEEKS,
            "actual": NOISE[:, 0],
            "counterfactual": NOISE[:, 1],
            "low": NOISE[:, 2] - 400,
            "high": NOISE[:, 3],
        }
    ),
    "visibility": pl.DataFrame(
        [
            {"week": week, "engine": engine, "surface": "api", "brand": brand, "metric": "mention_rate"}
            | {"value": 0.4, "low": None if brand == "rival" else 0.3, "high": 0.5}
            for week in WEEKS[:30]
            for engine in ("chatgpt", "gemini", "perplexity", "all")
            for brand in ("we", "rival")
        ]
    ),
    "quarantine": pl.DataFrame({"source": ["google_ads", "hubspot"], "rule": ["amount", "date"], "rows": [12, 3]}),
    "curves": pl.DataFrame(
        [
            {"channel": name, "spend": float(s), "mean": s**0.7, "q05": 0.8 * s**0.7, "q95": 1.2 * s**0.7}
            for name in NAMES
            for s in np.linspace(0, 1e5, 40)
        ]
    ),
}


@pytest.mark.parametrize("name", FRAMES)
def test_a_picture_is_a_png_below_100_kb_that_shows_something(name):
    png = getattr(asset_plots, name)(FRAMES[name])
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.format == "PNG"
        assert picture.width > 300
        assert len(picture.convert("RGB").getcolors(1 << 20)) > 5
    assert len(png) < 100_000


def test_money_as_decimal_draws_the_same_as_float():
    exact = FRAMES["spend"].with_columns(pl.col("spend").round(2).cast(pl.Decimal(18, 2)))
    as_float = exact.with_columns(pl.col("spend").cast(pl.Float64))
    assert asset_plots.spend(exact) == asset_plots.spend(as_float)
    assert exact["spend"][0] == Decimal(str(as_float["spend"][0]))


def test_beyond_ten_series_the_small_ones_are_drawn_together_and_nothing_is_lost():
    kept = asset_plots._largest(FRAMES["spend"], "channel", "spend", ("week",))
    assert kept["channel"].n_unique() == asset_plots.MOST_SERIES
    assert "others" in kept["channel"]
    assert kept["spend"].sum() == pytest.approx(FRAMES["spend"]["spend"].sum())


def test_an_unknown_metric_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="it has mention_rate"):
        asset_plots.visibility(FRAMES["visibility"], metric="share")
