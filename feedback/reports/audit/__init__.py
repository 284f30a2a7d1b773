"""The audit pack: a report with all it was computed from, so that a stranger can compute it again."""

from feedback.reports.audit.delivery import undelivered
from feedback.reports.audit.integrity import Difference
from feedback.reports.audit.pack import write
from feedback.reports.audit.verification import verify

__all__ = ["Difference", "undelivered", "verify", "write"]
