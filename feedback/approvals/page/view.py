"""The HTML of the page: templates with everything escaped, and the words for money and time."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from feedback.approvals.digest import OpenDecision
from feedback.approvals.policy import ApprovalPolicy
from feedback.approvals.request import REASONS

TEMPLATES = Path(__file__).parent / "templates"
REASON_WORDS = {
    "wrong_facts": "Facts are wrong",
    "weak_evidence": "Evidence is too weak",
    "brand": "Does not fit the brand",
    "legal": "Legal concerns",
    "not_now": "Not now, ask again later",
}


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def rendered(template: str, **values: Any) -> str:
    """A template of this folder with its values; every value is escaped."""
    return _environment().get_template(template).render(**values)


def style() -> str:
    """The one style sheet."""
    return (TEMPLATES / "page.css").read_text(encoding="utf-8")


def shown(decision: OpenDecision, policy: ApprovalPolicy, person: str, now: datetime, currency: str) -> dict[str, Any]:
    """One decision as the templates print it for one person."""
    known = policy.person(decision.requested_by)
    return {
        "subject": decision.subject,
        "action": decision.action.replace("_", " "),
        "title": decision.title,
        "evidence": decision.evidence,
        "if_denied": decision.if_denied,
        "silence": decision.silence,
        "params": sorted(decision.params.items()),
        "artifact": decision.artifact_sha256,
        "requested_by": (known.name or known.id) if known else decision.requested_by,
        "left": _left(decision.expires, now),
        "urgency": decision.urgency,
        "approved": len(decision.approved_by),
        "quorum": decision.quorum,
        "approved_by": [_name(policy, actor) for actor in decision.approved_by],
        "waits_for": [_name(policy, actor) for actor in decision.deciders],
        "mine": person in decision.deciders,
        "money": _money(decision, currency),
        "reasons": [(reason, REASON_WORDS[reason]) for reason in REASONS],
    }


def _money(decision: OpenDecision, currency: str) -> str:
    parts = [
        f"{name} {_amount(amount, currency)}"
        for name, amount in (("worth", decision.worth), ("at risk", decision.at_risk))
        if amount is not None
    ]
    return ", ".join(parts) or "not known in money"


def _amount(amount: Decimal, currency: str) -> str:
    from babel.numbers import format_currency

    text: str = format_currency(amount, currency, locale="en", format="¤#,##0", currency_digits=False)
    return text


def _left(expires: datetime, now: datetime) -> str:
    hours = int((expires - now).total_seconds() // 3600)
    return f"{hours // 24} days" if hours >= 48 else f"{hours} h"


def _name(policy: ApprovalPolicy, actor: str) -> str:
    person = policy.person(actor)
    return person.name or person.id if person else actor
