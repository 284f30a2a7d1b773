"""The price of media read from data: known powers are found, noise and season are not taken for them."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from models.mmm import MMMData
from models.planning.price_elasticity import price_readings


def data(
    power: float,
    *,
    noise: float = 0.1,
    weeks: int = 104,
    season: float = 0.0,
    spread: float = 0.5,
    geos: int = 1,
    on: int = 200,
):
    """Impressions that grow with spend to `power`; `season` makes spend and price rise together once a year."""
    rng = np.random.default_rng(3)
    rows = []
    for g in range(geos):
        wave = season * np.sin(2 * np.pi * np.arange(weeks) / 52.18)
        spend = (1 + g) * 1_000 * np.exp(rng.normal(0, spread, weeks) + wave)
        shown = (3 - g) * 50_000 * (spend / 1_000) ** power * np.exp(rng.normal(0, noise, weeks) - wave)
        spend[on:], shown[on:] = 0.0, 0.0
        money = rng.uniform(100, 900, weeks)
        rows += [
            (f"g{g}", date(2023, 1, 2) + timedelta(weeks=t), 1e4 + rng.normal(0, 100), spend[t], shown[t], money[t])
            for t in range(weeks)
        ]
    frame = pl.DataFrame(rows, schema=["geo", "date", "kpi", "social", "shown", "radio"], orient="row")
    return MMMData.from_frame(
        frame,
        date="date",
        kpi="kpi",
        spend={"social": "social", "radio": "radio"},
        exposure={"social": "shown"},
        geo="geo" if geos > 1 else None,
    )


@pytest.mark.parametrize(("power", "geos"), [(0.6, 1), (0.8, 1), (1.0, 1), (0.7, 3)])
def test_the_power_is_found_within_its_own_error(power, geos):
    (found,) = price_readings(data(power, geos=geos))  # radio is fitted on money: nothing to read
    assert found.channel == "social"
    assert found.clear
    assert abs(found.exponent - power) < 3 * found.se
    assert found.se < 0.05
    assert found.rule().exponent == pytest.approx(min(found.exponent, 1.0))
    assert "10 % more money buys" in found.warning().message


def test_a_dear_season_is_not_dear_volume():
    """Spend and price both peak once a year; volume itself is bought at a constant price."""
    (found,) = price_readings(data(1.0, season=0.8, spread=0.2))
    assert found.exponent == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize(
    "little", [{"on": 20}, {"spread": 0.02}, {"noise": 1.5, "weeks": 40}], ids=["short", "steady", "noisy"]
)
def test_too_little_to_say_is_said(little):
    (found,) = price_readings(data(0.5, **little))
    assert not found.clear
    said = found.warning()
    assert (said.code, said.severity) == ("price_unclear", "low")
