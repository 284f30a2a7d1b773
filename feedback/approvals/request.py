"""A request for a decision and its state. A request is bound to one exact artifact by its hash."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, Field, model_validator

from feedback.storage.canonical_json import sha256

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Actor = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9@._:+-]{0,126}$")]
State = Literal["pending", "approved", "denied", "expired", "consumed", "unknown"]
REASONS = ("wrong_facts", "weak_evidence", "brand", "legal", "not_now")


class Request(BaseModel, frozen=True, extra="forbid"):
    """One decision to be made: do `action` with exactly this artifact and these parameters.

    An approval is bound to `subject`: another artifact, another parameter or another action is another subject, and no
    approval carries over. `worth` (report currency) only orders the queue. After `expires` the action is not carried
    out: silence is never consent.
    """

    action: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
    artifact_sha256: Sha256
    params: dict[str, str] = Field(default_factory=dict)
    requested_by: Actor
    requested_at: AwareDatetime
    expires: AwareDatetime
    quorum: int = Field(default=1, ge=1, le=5)
    worth: Decimal = Decimal(0)

    @model_validator(mode="after")
    def _lives(self) -> Request:
        if self.expires <= self.requested_at:
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
