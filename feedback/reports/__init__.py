"""The CFO report: one figure store, three formats, gates that block, plots and the audit pack."""

from feedback.reports.figures.gates import ReportBlocked
from feedback.reports.page.build import ReportFiles, build
from feedback.reports.snapshot.context import missing
from feedback.reports.snapshot.query import SnapshotError
from feedback.reports.snapshot.settings import ReportSettings

__all__ = ["ReportBlocked", "ReportFiles", "ReportSettings", "SnapshotError", "build", "missing"]
