"""Everything that Dagster knows about Plumbline: assets, the job, its schedule and sensor, and the warehouse."""

from __future__ import annotations

import dagster as dg

from dagster_project import automation
from dagster_project.assets import (
    ask,
    attribution,
    content_features,
    content_returns,
    feed_experiment,
    ingest,
    operations,
    pattern_queue,
    patterns,
)
from dagster_project.assets.dbt import asset as transform
from dagster_project.assets.experiments import asset as experiments
from dagster_project.assets.mmm import asset as measure
from dagster_project.assets.mmm import calibration
from dagster_project.assets.publish import asset as publish
from dagster_project.assets.triangulation import asset as triangulate
from dagster_project.assets.visibility import actions as visibility_actions
from dagster_project.assets.visibility import asset as visibility
from dagster_project.assets.visibility import trackers as visibility_trackers
from dagster_project.warehouse.resource import Warehouse
from dagster_project.workspace.environment import workspace

STEPS = (
    ask,
    ingest,
    content_features,
    transform,
    measure,
    experiments,
    calibration,
    attribution,
    visibility,
    visibility_actions,
    visibility_trackers,
    triangulate,
    feed_experiment,
    operations,
    patterns,
    content_returns,
    pattern_queue,
    publish,
)

defs = dg.Definitions(
    assets=[asset for step in STEPS for asset in step.assets],
    jobs=[automation.daily, automation.ask_panel],
    schedules=[automation.every_morning, automation.every_asking_day],
    sensors=[automation.landing_dropped],
    resources={"warehouse": Warehouse(path=str(workspace().warehouse))},
    executor=dg.in_process_executor,
)
