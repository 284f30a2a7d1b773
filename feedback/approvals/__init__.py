"""Human command: what needs a person's yes, who may give it, and the ledger of what was decided."""

from feedback.approvals.ledger import ApprovalRefused, Approvals
from feedback.approvals.request import REASONS, Request, Standing

__all__ = ["REASONS", "ApprovalRefused", "Approvals", "Request", "Standing"]
