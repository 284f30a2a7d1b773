"""The part of plumbline.yaml that the report needs, in the report's own type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagster_project.workspace.settings import Settings

if TYPE_CHECKING:
    from feedback.reports import ReportSettings


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
