"""Simulated companies as files: exports in the vendors' own formats, settings, and the truth beside them."""

from dagster_project.demo.workspace import DemoSummary, write
from models.worlds.company_kinds import KINDS

__all__ = ["KINDS", "DemoSummary", "write"]
