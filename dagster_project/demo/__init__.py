"""The demo company as files: exports in the vendors' own formats, settings, and the truth beside them."""

from dagster_project.demo.workspace import DemoSummary, write

__all__ = ["DemoSummary", "write"]
