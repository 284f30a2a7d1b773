"""All that Dagster knows of Plumbline: assets, the job, its schedule and sensor, and the warehouse."""

from __future__ import annotations

import dagster as dg

from dagster_project import automation
from dagster_project.assets import (
    attribute,
    calibrate,
    experiments,
    ingest,
    learn,
    measure,
    publish,
    transform,
    triangulate,
    visibility,
)
from dagster_project.environment import workspace
from dagster_project.warehouse import Warehouse

STEPS = (
    ingest,
    transform,
    measure,
    experiments,
    calibrate,
    attribute,
    visibility,
    triangulate,
    learn,
    publish,
)

defs = dg.Definitions(
    assets=[asset for step in STEPS for asset in step.assets],
    jobs=[automation.daily],
    schedules=[automation.every_morning],
    sensors=[automation.landing_dropped],
    resources={"warehouse": Warehouse(path=str(workspace().warehouse))},
    executor=dg.in_process_executor,
)
