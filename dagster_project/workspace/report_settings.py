"""The part of plumbline.yaml that the report needs, in the report's own type, and as the run had it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dagster_project.workspace.settings import Settings
from models.error import PlumblineError

if TYPE_CHECKING:
    import duckdb

    from feedback.reports import ReportSettings

NAMES = {
    "company": "company.name",
    "currency": "report_currency",
    "year_starts_in_month": "fiscal.year_starts_in_month",
    "tolerance": "ledger.tolerance",
}


def report_settings(settings: Settings) -> ReportSettings:
    """Company, currency, margin, fiscal year and tolerance, as the report takes them."""
    from feedback.reports import ReportSettings

    return ReportSettings(
        company=settings.company.name,
        currency=settings.report_currency,
        margin=settings.margin,
        year_starts_in_month=settings.fiscal.year_starts_in_month,
        tolerance=settings.ledger.tolerance,
    )


class SettingsChanged(PlumblineError, ValueError):
    """plumbline.yaml is no longer what the published run was computed with."""


def settings_of_run(con: duckdb.DuckDBPyConnection, now: Settings) -> ReportSettings:
    """The report's settings as the published run recorded them.

    A figure belongs to the settings under which it was computed: under another fiscal year the same draws would be
    printed beside other dates. Raises SettingsChanged with each setting that plumbline.yaml has changed since, and
    where an older version published the run without recording any.
    """
    from feedback.reports import ReportSettings
    from feedback.reports.snapshot.query import query

    fix = "run `plumbline run` again"
    rows = query(
        con,
        "select run_id, settings from ops.report_settings join ops.current_run using (run_id)",
        needs=("ops.report_settings", "ops.current_run"),
    ).rows
    if not rows:
        raise SettingsChanged(
            "the published run was computed by an earlier version, which recorded no settings", fix=fix
        )
    recorded, current = json.loads(rows[0]["settings"]), json.loads(report_settings(now).model_dump_json())
    changes = [
        f"{NAMES.get(key, key)} was {_shown(recorded.get(key))} and is {_shown(value)}"
        for key, value in current.items()
        if recorded.get(key) != value
    ]
    if changes:
        raise SettingsChanged(
            f"settings have changed since {rows[0]['run_id']}: {'; '.join(changes)}", file="plumbline.yaml", fix=fix
        )
    return ReportSettings.model_validate(recorded)


def _shown(value: object) -> str:
    return "not set" if value is None else str(value)
