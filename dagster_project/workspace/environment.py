"""The one workspace that this process works in, read once from the environment."""

from __future__ import annotations

import logging
from functools import cache

import dagster as dg

from dagster_project.workspace.compiled_code import keep_compiled_code
from dagster_project.workspace.paths import Workspace
from dagster_project.workspace.settings import Settings, load

EARLIEST_DAY = "2010-01-01"


@cache
def workspace() -> Workspace:
    """The workspace of this process, with Dagster and dbt pointed at it.

    Damaged files that were set aside are named in the process's log: `plumbline run` has named them before.
    """
    named = Workspace.from_environment()
    for sentence in named.prepare():
        logging.getLogger(__name__).warning(sentence)
    keep_compiled_code(named)
    return named


def settings() -> Settings:
    """plumbline.yaml as it is now. Raises SettingsError with one sentence per fault."""
    return load(workspace().settings_file)


@cache
def days() -> dg.DailyPartitionsDefinition:
    """Daily partitions in the workspace's time zone, including today."""
    return dg.DailyPartitionsDefinition(start_date=EARLIEST_DAY, end_offset=1, timezone=settings().time_zone)
