"""The ledger of approvals: requests, decisions and their single use, append-only and chained by hashes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from filelock import FileLock

from feedback.approvals.request import REASONS, ApprovalStatus, Request, event_of, utc
from feedback.storage import hash_chain
from models.error import PlumblineError


class ApprovalRefused(PlumblineError, ValueError):
    """A decision that may not be made, or an artifact without an approval; the text says why and what to do."""


class Approvals:
    """The ledger in one file. Every change takes a lock, checks the chain and waits until its line is on the disk.

    `approvers` are the people whom plumbline.yaml allows to decide. The caller must have authenticated the person: this
    class only refuses people who are not named, who made the request themselves, or who have already decided.
    """

    def __init__(self, path: Path, approvers: Sequence[str]) -> None:
        self._path = path
        self._approvers = tuple(approvers)

    def ask(self, request: Request) -> str:
        """Adds a request to the queue and returns its subject; a request that is already pending is not added twice.

        After a denial, an expiry or its single use the same subject may be requested again and needs new decisions.
        """
        with self._locked():
            if self.status(request.subject, request.requested_at).state not in ("pending", "approved"):
                self._append(event_of(request))
        return request.subject

    def approve(self, subject: str, *, by: str, at: datetime) -> ApprovalStatus:
        """Records a named person's consent to exactly this subject. Raises ApprovalRefused if it is not valid."""
        with self._locked():
            self._may_decide(subject, by, at)
            self._append({"event": "approved", "subject": subject, "by": by, "at": utc(at)})
        return self.status(subject, at)

    def deny(self, subject: str, *, by: str, reason: str, at: datetime) -> ApprovalStatus:
        """Records a denial with the class of its reason. One denial ends the request, whatever the quorum."""
        if reason not in REASONS:
            raise ApprovalRefused(
                f"{reason!r} is not a reason for a denial",
                key="reason",
                value=reason,
                fix=f"use one of {', '.join(REASONS)}",
            )
        with self._locked():
            self._may_decide(subject, by, at)
            self._append({"event": "denied", "subject": subject, "by": by, "reason": reason, "at": utc(at)})
        return self.status(subject, at)

    def consume(self, request: Request, *, at: datetime) -> tuple[str, ...]:
        """Uses the approval for exactly this action, artifact and parameters, once; returns who approved.

        Call it right before acting. Raises ApprovalRefused when the subject is not approved, expired, or was used.
        """
        with self._locked():
            status = self.status(request.subject, at)
            if status.state != "approved":
                raise ApprovalRefused(
                    f"{request.action} {request.artifact_sha256[:12]} is {status.state}: an approval is valid for the"
                    " exact artifact and parameters, once, until it expires",
                    fix="request a decision on this version",
                )
            self._append({"event": "consumed", "subject": request.subject, "at": utc(at)})
        return status.by

    def status(self, subject: str, at: datetime) -> ApprovalStatus:
        """The state of the newest request for a subject at the moment `at`."""
        request, since = self._newest(subject)
        if request is None:
            return ApprovalStatus(state="unknown")
        denied = [e for e in since if e["event"] == "denied"]
        people = tuple(e["by"] for e in since if e["event"] == "approved")
        if denied:
            return ApprovalStatus(state="denied", by=(denied[0]["by"],), reason=denied[0]["reason"])
        if any(e["event"] == "consumed" for e in since):
            return ApprovalStatus(state="consumed", by=people)
        if at >= request.expires:
            return ApprovalStatus(state="expired", by=people)
        return ApprovalStatus(state="approved" if len(people) >= request.quorum else "pending", by=people)

    def pending(self, at: datetime, *, weekly_limit: int | None = None) -> list[Request]:
        """Requests that wait for a person, the most valuable first, then the oldest.

        With `weekly_limit` only as many as may still be decided: the limit less the decisions of the last seven days.
        The others stay in the ledger and appear later, or expire without being carried out.
        """
        subjects = dict.fromkeys(e["subject"] for e in self._events() if e["event"] == "requested")
        waiting = [r for s in subjects if self.status(s, at).state == "pending" and (r := self._newest(s)[0])]
        waiting.sort(key=lambda request: (-request.worth, request.requested_at, request.subject))
        if weekly_limit is None:
            return waiting
        decided = sum(
            at - timedelta(days=7) < datetime.fromisoformat(e["at"]) <= at
            for e in self._events()
            if e["event"] in ("approved", "denied")
        )
        return waiting[: max(0, weekly_limit - decided)]

    def _may_decide(self, subject: str, by: str, at: datetime) -> None:
        request, since = self._newest(subject)
        if request is None:
            raise ApprovalRefused(
                f"no decision was requested on {subject[:12]}", fix="`plumbline pending` lists the open requests"
            )
        state = self.status(subject, at).state
        if state != "pending":
            raise ApprovalRefused(f"{request.action} {subject[:12]} is {state}: there is nothing left to decide")
        if by not in self._approvers:
            named = ", ".join(self._approvers) or "nobody"
            raise ApprovalRefused(
                f"{by!r} may not decide, only {named}", file="plumbline.yaml", key="approvals.approvers", value=by
            )
        if by == request.requested_by:
            raise ApprovalRefused(f"{by!r} requested {request.action} and may not decide on it: a second person must")
        if by in [e["by"] for e in since if e["event"] == "approved"]:
            raise ApprovalRefused(
                f"{by!r} has already approved {subject[:12]}: its quorum of {request.quorum} needs others"
            )

    def _newest(self, subject: str) -> tuple[Request | None, list[dict[str, Any]]]:
        """The newest request for a subject and what was decided since."""
        own = [e for e in self._events() if e["subject"] == subject]
        requests = [i for i, e in enumerate(own) if e["event"] == "requested"]
        if not requests:
            return None, []
        fields = {k: v for k, v in own[requests[-1]].items() if k in Request.model_fields}
        return Request.model_validate(fields), own[requests[-1] + 1 :]

    def _events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in hash_chain.checked_lines(self._path)]

    def _append(self, body: dict[str, Any]) -> None:
        hash_chain.append(self._path, hash_chain.line(hash_chain.head(hash_chain.lines_of(self._path)), body))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self._path}.lock", timeout=30):
            self._events()
            yield
