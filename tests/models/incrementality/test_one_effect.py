"""One latent effect, three data sets: the geo read, the user read and the MMM must agree within their ranges."""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations

import polars as pl
import pytest

from models.incrementality import LiftResult, read_ab, read_geo
from models.worlds import World, one_effect

SEEDS = (1, 2, 3)
MISSES_ALLOWED = 1  # of nine 90 % ranges (three worlds, three methods) one is expected to miss its own truth


@lru_cache
def world(seed: int) -> World:
    return one_effect(seed)


@lru_cache
def geo_read(seed: int) -> LiftResult:
    """Three days of lag let the ads seen before the pause fade out."""
    truth = world(seed).truth
    window = {"start": truth["start"], "end": truth["end"], "lag": 3}
    return read_geo(world(seed).frames["panel"], truth["treated"], seed=1, randomised=True, **window)


@lru_cache
def user_read(seed: int) -> LiftResult:
    spent, users = world(seed).truth["user_spend"], world(seed).frames["users"]
    revenue, earlier = pl.col("revenue"), pl.col("earlier")
    sums = {"n": pl.len(), "sum": revenue.sum(), "sum_sq": (revenue**2).sum(), "cov_sum": earlier.sum()}
    sums |= {"cov_sum_sq": (earlier**2).sum(), "cross_sum": (revenue * earlier).sum()}
    return read_ab(users.group_by("arm").agg(**sums).sort("arm"), control="holdout", spend=spent)


def test_the_world_adds_up_and_repeats():
    made, again = world(1), one_effect(1)
    for name, frame in made.frames.items():
        assert frame.equals(again.frames[name])
    panel, weeks = made.frames["panel"], made.frames["weeks"]
    assert panel["kpi"].sum() == pytest.approx(weeks["revenue"].sum())
    assert panel["spend"].sum() == pytest.approx(weeks["video"].sum())
    during = pl.col("date").is_between(made.truth["start"], made.truth["end"])
    dark = panel.filter(during & pl.col("geo").is_in(made.truth["treated"]))
    assert dark["spend"].sum() == 0
    assert not set(made.frames["users"]["region"]) & set(made.truth["treated"])


@pytest.mark.parametrize("seed", SEEDS)
def test_regions_and_users_agree_on_the_return(seed):
    geo, users = geo_read(seed), user_read(seed)
    assert geo.spend < 0 < geo.iroas
    assert "invalid" not in {geo.verdict, users.verdict}
    assert max(geo.iroas_low, users.iroas_low) < min(geo.iroas_high, users.iroas_high)
    # What one read says of the other's truth: the curve bends so little that they differ by a few percent only.
    assert world(seed).truth["geo_iroas"] == pytest.approx(world(seed).truth["user_iroas"], rel=0.1)


@pytest.mark.slow
def test_all_three_methods_agree_and_cover_the_truth():
    from models.mmm import MMMData, MMMSpec, Sampling, fit

    spec = MMMSpec(sampling=Sampling(chains=2, tune=150, draws=300))
    misses = 0
    for seed in SEEDS:
        made = world(seed)
        spend = {"video": "video", "search": "search"}
        data = MMMData.from_frame(made.frames["weeks"], date="date", kpi="revenue", spend=spend)
        fitted = fit(data, spec, seed=1)
        assert fitted.converged
        mmm = fitted.roas().row(by_predicate=pl.col("channel") == "video", named=True)
        geo, users = geo_read(seed), user_read(seed)
        ranges = {
            "geo_iroas": (geo.iroas_low, geo.iroas_high),
            "user_iroas": (users.iroas_low, users.iroas_high),
            "iroas": (mmm["q05"], mmm["q95"]),
        }
        misses += sum(not low <= made.truth[name] <= high for name, (low, high) in ranges.items())
        for one, other in combinations(ranges.values(), 2):
            assert max(one[0], other[0]) < min(one[1], other[1])
    assert misses <= MISSES_ALLOWED
