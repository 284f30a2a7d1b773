"""All that Dagster knows of Plumbline: assets, the job, its schedule and sensor, and the warehouse."""

from __future__ import annotations

import warnings

import dagster as dg

warnings.filterwarnings("ignore", category=dg.BetaWarning)  # backfill policies and owners are beta in 1.13

from dagster_project import automation  # noqa: E402
from dagster_project.assets import (  # noqa: E402
    attribute,
    experiments,
    ingest,
    learn,
    measure,
    publish,
    transform,
    triangulate,
    visibility,
)
from dagster_project.environment import workspace  # noqa: E402
from dagster_project.warehouse import Warehouse  # noqa: E402

defs = dg.Definitions(
    assets=[
        asset
        for step in (ingest, transform, measure, experiments, attribute, visibility, triangulate, learn, publish)
        for asset in step.assets
    ],
    jobs=[automation.daily],
    schedules=[automation.every_morning],
    sensors=[automation.landing_dropped],
    resources={"warehouse": Warehouse(path=str(workspace().warehouse))},
    executor=dg.in_process_executor,
)
