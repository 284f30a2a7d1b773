"""Human command: what needs a person's yes, who may give it, and the ledger of what was decided."""

from feedback.approvals.ledger import ApprovalRefused, Approvals
from feedback.approvals.request import REASONS, ApprovalStatus, Request

__all__ = ["REASONS", "ApprovalRefused", "ApprovalStatus", "Approvals", "Request"]
