"""Every number of the report, one section per file, and the gates that may withhold it."""

from feedback.reports.figures.all_figures import figures

__all__ = ["figures"]
