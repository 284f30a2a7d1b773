"""A request for a decision and its state. A request is bound to one exact artifact by its hash."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, model_validator

from feedback.storage.canonical_json import sha256

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Actor = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9@._:+-]{0,126}$")]
ParamName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
State = Literal["pending", "approved", "denied", "expired", "consumed", "passed", "bypassed", "unknown"]
REASONS = ("wrong_facts", "weak_evidence", "brand", "legal", "not_now")
MOST_PARAMS = 20
AGENT = "agent:"
LARGEST_AMOUNT = Decimal(10) ** 15  # no budget is larger, and sums of larger numbers would overflow


def _visible(text: str) -> str:
    hidden = next((c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")), None)
    if hidden is not None:
        raise ValueError(f"holds the invisible character U+{ord(hidden):04X}: what a person reads must be all there is")
    return text


ParamValue = Annotated[str, Field(max_length=200), AfterValidator(_visible)]
Line = Annotated[str, Field(max_length=300), AfterValidator(_visible)]


class Request(BaseModel, frozen=True, extra="forbid"):
    """One decision to be made: do `action` with exactly this artifact and these parameters.

    An approval is bound to `subject`: another artifact, another parameter or another action is another subject, and no
    approval carries over. `worth` is the gain expected from doing it and `at_risk` what may be lost by it, both in the
    report currency and None where not known in money; they order the queue and judge the gate, nothing else. `title`,
    `evidence` and `if_denied` are what a person reads. After `expires` the action is not carried out: silence is never
    consent. `expires` and `quorum` may only be stricter than the gate's (`ApprovalPolicy.terms`).
    """

    action: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
    artifact_sha256: Sha256
    params: dict[ParamName, ParamValue] = Field(default_factory=dict, max_length=MOST_PARAMS)
    requested_by: Actor
    requested_at: AwareDatetime
    expires: AwareDatetime | None = None
    quorum: int = Field(default=1, ge=1, le=5)
    worth: Decimal | None = Field(default=None, ge=-LARGEST_AMOUNT, le=LARGEST_AMOUNT)
    at_risk: Decimal | None = Field(default=None, ge=0, le=LARGEST_AMOUNT)
    title: Line = ""
    evidence: Line = ""
    if_denied: Line = ""

    @model_validator(mode="after")
    def _lives(self) -> Request:
        if self.expires is not None and self.expires <= self.requested_at:
            raise ValueError(f"expires {self.expires} is not after requested_at {self.requested_at}: no time to decide")
        return self

    @property
    def subject(self) -> str:
        """SHA-256 over action, artifact and parameters."""
        bound = {"action": self.action, "artifact_sha256": self.artifact_sha256, "params": self.params}
        return sha256(bound)


class ApprovalStatus(BaseModel, frozen=True):
    """The state of a subject at one moment; `by` are the people whose decisions led to it."""

    state: State
    by: tuple[str, ...] = ()
    reason: str | None = None


def event_of(request: Request) -> dict[str, Any]:
    """The request as a line of the ledger."""
    return {"event": "requested", "subject": request.subject, **request.model_dump(mode="json")}


def utc(moment: datetime) -> str:
    """A moment as the ledger writes it. Raises ValueError for a moment without time zone."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment}: give the moment with its time zone")
    return moment.isoformat(timespec="seconds")
