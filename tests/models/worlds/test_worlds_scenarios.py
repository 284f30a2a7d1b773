"""Scenario panels: the truth adds up, and each world really holds the violation in its name."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.worlds import SCENARIOS, scenario
from models.worlds.recipes import Recipe
from models.worlds.scenarios import CHANNELS


def _spend_correlation(name: str) -> float:
    logs = np.log(scenario(name, 5).frames["panel"].select(CHANNELS).to_numpy())
    matrix = np.corrcoef(logs.T)
    return float(matrix[np.triu_indices(4, 1)].mean())


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_parts_of_every_week_add_up_to_its_revenue(name: str) -> None:
    world = scenario(name, 3)
    total = world.frames["contribution"].group_by("date").agg(pl.col("value").sum()).sort("date")
    assert (total["value"] - world.frames["panel"]["revenue"]).abs().max() < 1e-6
    truth = world.truth
    channels = sum(entry["contribution"] for entry in truth["channels"].values())
    assert channels + truth["joint_total"] == pytest.approx(truth["media_total"])
    assert truth["media_total"] + truth["baseline_total"] + truth["noise_total"] == pytest.approx(
        truth["revenue_total"]
    )


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_panel_is_a_plausible_business(name: str) -> None:
    world = scenario(name, 3)
    panel = world.frames["panel"]
    assert panel["revenue"].min() > 0
    dark = 0.4 if name == "flighted" else 0.0
    assert (panel.select(CHANNELS).to_numpy() == 0).mean(axis=0) == pytest.approx(dark, abs=0.01)  # 62 of 156 weeks
    assert 0.1 < world.truth["media_total"] / world.truth["revenue_total"] < 0.5
    assert set(world.truth["controls"]) == set(panel.columns) - {"date", "revenue", *CHANNELS}


def test_the_same_seed_repeats_and_worlds_share_no_noise() -> None:
    assert scenario("clean", 3).frames["panel"].equals(scenario("clean", 3).frames["panel"])
    noise = [
        scenario(name, 3).frames["contribution"].filter(pl.col("channel") == "noise")["value"].to_numpy()
        for name in ("clean", "trend_break")
    ]
    assert abs(np.corrcoef(noise)[0, 1]) < 0.3


def test_budgets_move_together_only_under_multicollinearity() -> None:
    assert _spend_correlation("multicollinearity") > 0.9
    assert _spend_correlation("clean") < 0.5


def test_recorded_spikes_stand_far_out() -> None:
    panel = scenario("spend_outliers", 3).frames["panel"]
    tv = panel["tv"].to_numpy()
    assert tv.max() > 2 * np.quantile(tv, 0.97)


def test_demand_confounds_and_is_measured_only_in_the_controlled_world() -> None:
    assert scenario("confounding_controlled", 3).truth["controls"]["demand_index"] == "confounder"
    assert "demand_index" not in scenario("unobserved_confounding", 3).truth["controls"]


def test_budgets_follow_last_weeks_sales_under_reverse_causality() -> None:
    world = scenario("reverse_causality", 3)
    noise = world.frames["contribution"].filter(pl.col("channel") == "noise")["value"].to_numpy()
    spend = np.log(world.frames["panel"]["search"].to_numpy())
    assert np.corrcoef(noise[:-1], spend[1:])[0, 1] > 0.3


def test_a_negative_channel_and_a_synergy_show_in_the_truth() -> None:
    assert scenario("negative_effect", 3).truth["channels"]["display"]["contribution"] < 0
    synergy = scenario("synergy", 3).truth
    # Removing either of two channels loses what they do together: it is counted twice, and `joint` takes it back once.
    assert synergy["joint_total"] < -0.01 * synergy["revenue_total"]


def test_effects_fade_when_they_vary_over_time() -> None:
    world = scenario("time_varying_beta", 3)
    search = world.frames["contribution"].filter(pl.col("channel") == "search")["value"].to_numpy()
    spend = world.frames["panel"]["search"].to_numpy()
    assert search[-52:].sum() / spend[-52:].sum() < 0.8 * search[:52].sum() / spend[:52].sum()


def test_heavy_tails_are_heavier() -> None:
    def largest(name: str) -> float:
        noise = scenario(name, 3).frames["contribution"].filter(pl.col("channel") == "noise")["value"].to_numpy()
        return float(np.abs(noise).max() / np.median(np.abs(noise)))

    assert largest("heavy_tailed_noise") > largest("clean")


def test_dense_controls_hold_mediators_that_must_not_be_controlled_for() -> None:
    roles = list(scenario("dense_controls", 3).truth["controls"].values())
    assert len(roles) == 16
    assert roles.count("mediator") >= 2


def test_an_unknown_scenario_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'cleen' is unknown: choose one of clean, multicollinearity"):
        scenario("cleen", 3)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        pytest.param({"weeks": 10}, "weeks=10", id="too few weeks"),
        pytest.param({"shared_budget": 1.2}, "shared_budget=1.2", id="more than all of the budget"),
        pytest.param({"drift": -1.0}, "drift=-1.0", id="effects fade to nothing"),
    ],
)
def test_an_impossible_recipe_is_refused(change: dict[str, float], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Recipe("impossible", **change)
