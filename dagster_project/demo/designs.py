"""The plan of the company's last geo test, frozen a week before it began, as the company would have done it."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from dagster_project.assets.experiments.frozen_designs import FrozenDesign
from dagster_project.assets.experiments.planning import HISTORY_DAYS
from models.worlds.roster import GeoTest, Roster
from models.worlds.world import World

FROZEN_BEFORE = timedelta(days=7)
HOPED_IROAS = 1.5


def planned_tests(world: World, roster: Roster) -> list[FrozenDesign]:
    """The frozen design of the newest test; none where the world has too short a history to plan it on.

    The regions were picked by hand, so the design is the only one considered and the test no randomised one. It was
    made from what the company knew on the day: later corrections of that history are reported when the test is read.
    """
    from models.incrementality import PanelError, design_geo

    test = roster.tests[-1]
    if test.experiment_id not in world.frames["experiments"]["experiment_id"]:
        return []
    frozen_on = test.start - FROZEN_BEFORE
    try:
        [design] = design_geo(
            _known(world, test),
            duration=(test.end - test.start).days + 1,
            start=test.start,
            cooldown=(test.cooldown_end - test.end).days,
            kind="heavy_up",
            must=test.regions,
            sizes=(len(test.regions),),
            margin=roster.margin,
            target_iroas=HOPED_IROAS,
            seed=int(world.truth["seed"]),
            count=1,
        )
    except PanelError:
        return []
    return [FrozenDesign(test.experiment_id, (test.channel,), "revenue", False, frozen_on, design)]


def _known(world: World, test: GeoTest) -> pl.DataFrame:
    """geo, date, kpi, spend of the year before the test up to the day before the plan was frozen."""
    days = pl.col("day").is_between(
        test.start - timedelta(days=HISTORY_DAYS), test.start - FROZEN_BEFORE, closed="left"
    )
    spend = (
        world.frames["spend"]
        .filter(pl.col("channel") == test.channel, days)
        .group_by("geo", "day")
        .agg(pl.col("spend").cast(pl.Float64).sum())
    )
    revenue = world.frames["revenue"].filter(days).select("geo", "day", pl.col("revenue").cast(pl.Float64).alias("kpi"))
    panel = revenue.join(spend, on=["geo", "day"], how="left").with_columns(pl.col("spend").fill_null(0.0))
    return panel.rename({"day": "date"}).sort("geo", "date")
