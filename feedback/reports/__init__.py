"""The CFO report: one figure store, three formats, gates that block, plots and the audit pack."""

from feedback.reports.asking import SnapshotError
from feedback.reports.gates import ReportBlocked
from feedback.reports.page import ReportFiles, build
from feedback.reports.settings import ReportSettings
from feedback.reports.subject import missing

__all__ = ["ReportBlocked", "ReportFiles", "ReportSettings", "SnapshotError", "build", "missing"]
