"""The demo company's world: its truth adds up, follows from counterfactuals, and has the properties it is used for."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from models.worlds import World, company
from models.worlds.calendar import days_between
from models.worlds.contents import drawn_contents
from models.worlds.demand import drawn_demand
from models.worlds.quillhaven import QUILLHAVEN
from models.worlds.roster import LAST_DAY, SIZES, Size

SEED = 7
QUIET = Size(days=400, sessions_per_day=1)


@pytest.fixture(scope="module")
def small() -> World:
    return company(SEED, "small")


def _parts(world: World) -> float:
    truth = world.truth
    channels = sum(entry["contribution"] for entry in truth["channels"].values())
    return channels + truth["baseline_total"] + truth["noise_total"] + truth["ai"]["contribution"]


def test_the_parts_add_up_to_the_revenue(small: World) -> None:
    # Revenue is rounded to the cent per day and region: half a cent each at most.
    cells = small.frames["revenue"].height
    assert _parts(small) == pytest.approx(small.truth["revenue_total"], abs=0.005 * cells)


def test_quarters_and_regions_add_up_to_the_window(small: World) -> None:
    for name, entry in small.truth["channels"].items():
        quarters = sum(part["contribution"] for part in entry["by_quarter"].values())
        assert quarters == pytest.approx(entry["contribution"], rel=1e-9), name
        assert sum(entry["by_geo"].values()) == pytest.approx(entry["contribution"], rel=1e-9), name
        assert sum(part["spend"] for part in entry["by_quarter"].values()) == pytest.approx(entry["spend"], abs=0.05)


def test_exported_spend_is_the_spend_behind_the_truth(small: World) -> None:
    exported = dict(small.frames["spend"].group_by("channel").agg(pl.col("spend").sum()).iter_rows())
    for name in QUILLHAVEN.channel_names:
        assert small.truth["channels"][name]["spend"] == pytest.approx(exported[name], abs=0.01), name


@pytest.mark.parametrize("seed", [1, 7, 23])
def test_returns_differ_by_channel_and_stay_plausible(seed: int) -> None:
    truth = company(seed, Size(days=300, sessions_per_day=1)).truth
    returns = [entry["iroas"] for entry in truth["channels"].values()]
    media = sum(entry["contribution"] for entry in truth["channels"].values()) / truth["revenue_total"]
    assert min(returns) > 0.25
    assert max(returns) < 4.2
    assert max(returns) / min(returns) > 4
    assert 0.22 < media < 0.37


def test_the_same_seed_is_the_same_company_and_another_is_not(small: World) -> None:
    again = company(SEED, "small")
    assert json.dumps(again.truth) == json.dumps(small.truth)
    for name, frame in small.frames.items():
        assert frame.equals(again.frames[name]), name
    assert company(8, QUIET).truth["revenue_total"] != small.truth["revenue_total"]


def test_orders_are_the_revenue_to_the_cent(small: World) -> None:
    orders = small.frames["orders"].group_by("day", "geo").agg(pl.col("cents").sum())
    revenue = small.frames["revenue"].with_columns((pl.col("revenue") * 100).round(0).cast(pl.Int64).alias("wanted"))
    joined = revenue.filter(pl.col("wanted") > 0).join(orders, on=["day", "geo"], how="left")
    assert joined["cents"].to_list() == joined["wanted"].to_list()
    assert small.frames["orders"]["cents"].min() >= 0


def test_the_self_serve_account_is_the_revenue_of_its_month(small: World) -> None:
    ledger = (
        small.frames["ledger"].filter(pl.col("account_code") == "4400").group_by("period").agg(pl.col("cents").sum())
    )
    revenue = (
        small.frames["revenue"]
        .with_columns(
            pl.col("day").dt.strftime("%Y-%m").alias("period"),
            (pl.col("revenue") * 100).round(0).cast(pl.Int64).alias("c"),
        )
        .group_by("period")
        .agg(pl.col("c").sum())
    )
    assert dict(ledger.iter_rows()) == dict(revenue.iter_rows())


def test_media_accounts_and_accruals_are_the_platforms_spend(small: World) -> None:
    booked = (
        small.frames["ledger"]
        .filter(pl.col("kind").is_in(["media_spend", "accrual"]))
        .group_by("period", "channel")
        .agg(pl.col("cents").sum())
    )
    spent = (
        small.frames["spend"]
        .with_columns(
            pl.col("day").dt.strftime("%Y-%m").alias("period"),
            (pl.col("spend") * 100).round(0).cast(pl.Int64).alias("c"),
        )
        .group_by("period", "channel")
        .agg(pl.col("c").sum())
    )
    gap = booked.join(spent, on=["period", "channel"], how="full", coalesce=True)
    assert (gap["cents"] - gap["c"]).abs().max() == 0


def test_a_test_changes_the_spend_of_its_regions_only_while_it_runs(small: World) -> None:
    spend = small.frames["spend"].filter(
        pl.col("channel") == "paid_search_generic", pl.col("geo").is_in(["DE-HE", "DE-SN", "AT"])
    )
    truth = small.truth["experiments"]["geo-2026-01-generic-dark"]
    window = spend.with_columns(
        pl.col("day").cast(pl.String).is_between(pl.lit(truth["start"]), pl.lit(truth["end"])).alias("on")
    )
    assert window.filter("on")["spend"].sum() == 0
    assert window.filter(pl.col("day").cast(pl.String) > truth["end"])["spend"].sum() > 0


@pytest.mark.parametrize("seed", [1, 7, 23])
def test_two_tests_have_a_lift_worth_finding_and_one_has_none(seed: int) -> None:
    dark, heavy, null = company(seed, QUIET).truth["experiments"].values()
    assert -0.13 < dark["relative"] < -0.05
    assert 0.05 < heavy["relative"] < 0.13
    assert abs(null["relative"]) < 0.002
    assert dark["spend_difference"] < 0 < null["spend_difference"]
    assert abs(dark["effect_with_cooldown"]) > abs(dark["effect"])


def test_weekly_national_noise_is_about_three_per_cent() -> None:
    # Three seeds of 57 weeks: the standard deviation of a weekly sum is known to about 6 per cent of itself; the
    # bounds leave that twice around the 3 to 4 per cent that the demo promises.
    shares = []
    for seed in (1, 7, 23):
        days = days_between(QUIET.first_day, LAST_DAY)[:399]
        demand = drawn_demand(QUILLHAVEN, days, np.random.default_rng(seed))
        noise = demand.noise.sum(1).reshape(-1, 7).sum(1)
        # The baseline is about 65 per cent of revenue.
        revenue = demand.baseline.sum(1).reshape(-1, 7).sum(1) / 0.65
        shares.append(noise.std() / revenue.mean())
    assert 0.026 < float(np.mean(shares)) < 0.045


def test_brand_spend_follows_the_demand_that_is_measured(small: World) -> None:
    demand = small.frames["context"].filter(pl.col("name") == "brand_demand").select("day", "geo", "value")
    correlations = {}
    for channel in ("paid_search_brand", "paid_search_generic"):
        spend = (
            small.frames["spend"].filter(pl.col("channel") == channel).group_by("day", "geo").agg(pl.col("spend").sum())
        )
        weekly = (
            spend.join(demand, on=["day", "geo"])
            .with_columns(pl.col("day").dt.truncate("1w").alias("week"))
            .group_by("week", "geo")
            .agg(pl.col("spend").sum().log(), pl.col("value").mean().log())
            .with_columns((pl.col("spend") - pl.col("spend").mean().over("geo")).alias("s"))
        )
        correlations[channel] = weekly.select(pl.corr("s", "value")).item()
    assert correlations["paid_search_brand"] > 0.4
    assert abs(correlations["paid_search_generic"]) < 0.3


def test_the_funnel_takes_weeks_to_months(small: World) -> None:
    deals = small.frames["deals"].filter(pl.col("won_at").is_not_null())
    days = (deals["won_at"] - deals["created_at"]).dt.total_seconds() / 86_400
    assert days.min() >= 19.9
    assert days.max() <= 120.1
    assert deals.height > 40
    stages = small.frames["deal_stages"]
    reopened = stages.filter(pl.col("stage") == "Closed Lost").join(deals.select("deal_id"), on="deal_id")
    assert reopened.height > 0


def test_content_has_learnable_and_null_features() -> None:
    days = days_between(SIZES["medium"].first_day, LAST_DAY)
    contents = drawn_contents(QUILLHAVEN, days, SIZES["medium"].briefs_per_week, np.random.default_rng(SEED))
    assert contents.truth["briefs"] >= 300
    effects = list(contents.truth["feature_log_odds"].values())
    assert sum(effect == 0 for effect in effects) > 0.7 * len(effects)
    assert set(contents.pieces.group_by("brief_id").len()["len"]) <= {2, 3, 4}


def test_ai_answers_cite_us_as_often_as_the_truth_says(small: World) -> None:
    core = small.frames["ai_panel"].filter("is_core")["prompt_id"].to_list()
    answers = small.frames["ai_answers"].filter(pl.col("prompt_id").is_in(core), pl.col("status") == "ok")
    cited = answers["urls"].list.eval(pl.element().str.contains("quillhaven.example")).list.any()
    expected = np.mean(list(small.truth["ai"]["share_by_week"].values()))
    # About 11,000 answers: sampling error 0.4 points; clipping of single prompts costs up to half a point more.
    assert cited.mean() == pytest.approx(expected, abs=0.02)


def test_visits_without_consent_and_paid_ways_are_there(small: World) -> None:
    visits = small.frames["visits"]
    assert visits["consent"].mean() == pytest.approx(0.65, abs=0.03)
    ways = visits.group_by("way").len().sort("len")
    assert {"paid_search_generic", "direct", "organic", "ai_answers"} <= set(ways["way"])
    orders = visits.filter(pl.col("order_id").is_not_null())
    assert orders["order_id"].n_unique() == orders.height
    assert orders.height == pytest.approx(0.65 * small.frames["orders"].height, rel=0.05)


def test_every_region_is_in_every_regional_frame(small: World) -> None:
    names = {region.name for region in QUILLHAVEN.regions}
    for frame in ("spend", "revenue", "orders"):
        assert set(small.frames[frame]["geo"]) == names, frame


@pytest.mark.parametrize(("size", "complaint"), [("tiny", "'tiny' is unknown")])
def test_an_unknown_size_is_refused(size: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        company(SEED, size)


def test_too_short_a_history_is_refused() -> None:
    with pytest.raises(ValueError, match="days=30"):
        Size(days=30)
