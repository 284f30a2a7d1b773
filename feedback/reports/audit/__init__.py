"""The audit pack: a report with everything it was computed from, so that anyone can compute it again."""

from feedback.reports.audit.delivery import pack_holding, undelivered
from feedback.reports.audit.integrity import Difference
from feedback.reports.audit.origin import AuditKeyUnusable, Origin, issuer
from feedback.reports.audit.origin import origin as origin_of
from feedback.reports.audit.pack import write
from feedback.reports.audit.previous import report_before
from feedback.reports.audit.verification import verify

__all__ = [
    "AuditKeyUnusable",
    "Difference",
    "Origin",
    "issuer",
    "origin_of",
    "pack_holding",
    "report_before",
    "undelivered",
    "verify",
    "write",
]
