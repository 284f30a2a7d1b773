"""Approvals: which actions need a person's consent, who may give it, and the ledger of decisions."""

from feedback.approvals.cases import Book, Case
from feedback.approvals.ledger import ApprovalRefused, Approvals, LedgerCheck, decisions_digest
from feedback.approvals.policy import ApprovalPolicy, Permission
from feedback.approvals.request import REASONS, ApprovalStatus, Request
from feedback.approvals.seal import KeyUnusable, LedgerBroken, Seal, signing_key

__all__ = [
    "REASONS",
    "ApprovalPolicy",
    "ApprovalRefused",
    "ApprovalStatus",
    "Approvals",
    "Book",
    "Case",
    "KeyUnusable",
    "LedgerBroken",
    "LedgerCheck",
    "Permission",
    "Request",
    "Seal",
    "decisions_digest",
    "signing_key",
]
