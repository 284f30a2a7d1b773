"""Engagement in money: the slope at its true size, its range, and silence where it is not known."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from models.patterns import MoneyRate, in_money, learn, money_rate
from models.patterns.money import BORROWED
from models.patterns.spec import LearnSpec

BASE, PER_SUCCESS = 0.05, 2.4
TRUE_RATE = 1000 * BASE * (1 - BASE) * PER_SUCCESS


def briefs(seed: int, count: int = 120, *, related: bool = True, channel: str = "meta") -> pl.DataFrame:
    """Briefs of three variants around a click rate of 5 %; a click brings about 2.40, or nothing."""
    rng = np.random.default_rng(seed)
    rows = []
    for brief in range(count):
        week = date(2025, 1, 6) + timedelta(weeks=brief % 50)
        for variant in range(3):
            logit = np.log(BASE / (1 - BASE)) + rng.normal(0, 0.15)
            clicks = int(rng.binomial(8000, 1 / (1 + np.exp(-logit))))
            orders = rng.binomial(clicks if related else 400, 0.03)
            value = float(rng.gamma(4.0 * orders, 20.0)) if orders else 0.0
            rows.append((f"{channel}{brief}", f"{channel}{brief}v{variant}", channel, week, 8000, clicks, value))
    columns = ["brief", "variant", "channel", "week", "trials", "successes", "value"]
    return pl.DataFrame(rows, schema=columns, orient="row")


def test_the_slope_is_found_in_its_true_size_and_its_error_is_honest() -> None:
    rates = [rate for seed in range(40) if (rate := money_rate(briefs(seed))) is not None]
    assert len(rates) == 40
    z = np.array([(rate.mean - TRUE_RATE) / rate.se for rate in rates])
    assert np.mean([rate.mean for rate in rates]) == pytest.approx(TRUE_RATE, rel=0.08)
    # 40 draws: a true coverage of .90 gives at least 31 inside in 99 of 100 cases.
    assert np.sum(np.abs(z) < 1.645) >= 31
    assert all(rate.is_known for rate in rates)


def test_without_a_link_between_clicks_and_money_nothing_is_said_in_money() -> None:
    rates = [money_rate(briefs(seed, related=False)) for seed in range(20)]
    known = [rate for rate in rates if rate is not None and rate.is_known]
    assert len(known) <= 6  # one side of .90 errs in a tenth of 20; more than 6 has a chance below 1 %


def test_a_channel_with_few_briefs_borrows_a_wider_rate() -> None:
    tests = pl.concat([briefs(1), briefs(2, count=8, channel="mail")])
    pooled, mail = money_rate(tests), money_rate(tests, ["mail"])
    assert pooled is not None
    assert mail == MoneyRate(pooled.mean, pooled.se * BORROWED, pooled.n_briefs, True)
    assert money_rate(tests.with_columns(value=pl.lit(None, dtype=pl.Float64))) is None
    alone = money_rate(tests.filter(pl.col("channel") == "mail"))
    assert alone is None or not alone.is_known


def test_an_effect_in_money_carries_both_uncertainties_or_is_not_said() -> None:
    tests = briefs(3)
    features = tests.select("variant").unique().filter(pl.col("variant").str.ends_with("v1"))
    found = learn(
        tests, features.with_columns(feature=pl.lit("hook.question")), seed=1, spec=LearnSpec(placebo_draws=0)
    )
    estimate = found.estimate("hook.question")
    assert estimate is not None
    sure = replace(estimate, shrunk=0.10, sd=0.02)
    money = in_money(sure, MoneyRate(100.0, 20.0, 40))
    assert money is not None
    assert money.mean == pytest.approx(10.0)
    assert money.sd == pytest.approx(np.sqrt(2.0**2 + 2.0**2 + 0.4**2))
    assert money.low > 0
    assert in_money(sure, MoneyRate(100.0, 90.0, 40)) is None
    assert in_money(sure, MoneyRate(100.0, 20.0, 19)) is None
    assert in_money(replace(sure, sd=0.07), MoneyRate(100.0, 20.0, 40)) is None
