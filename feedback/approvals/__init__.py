"""Approvals: which actions need a person's consent, who may give it, and the ledger of decisions."""

from feedback.approvals.ledger import ApprovalRefused, Approvals
from feedback.approvals.request import REASONS, ApprovalStatus, Request

__all__ = ["REASONS", "ApprovalRefused", "ApprovalStatus", "Approvals", "Request"]
