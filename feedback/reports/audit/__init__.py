"""The audit pack: a report with all it was computed from, so that a stranger can compute it again."""

from feedback.reports.audit.pack import write
from feedback.reports.audit.verification import Difference, verify

__all__ = ["Difference", "verify", "write"]
