"""What happened, told as events: from card versions, the ledger of approvals, and the end of a run.

An event carries references (ids, versions, hashes, states) and never a figure, a person or a text from outside: who
wants to know more reads the card, the ledger or the report by them. `version` counts per subject and survives a log
that was begun anew, so consumers tell news from repetitions by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from feedback.approvals.cases import Book, Case
from feedback.approvals.policy import ApprovalPolicy
from feedback.approvals.request import utc
from feedback.memory.store import Change, Event, Version
from feedback.patterns.cards import Card
from feedback.patterns.contract import instant
from feedback.patterns.statement import CHANNEL

PATTERN, APPROVAL, REPORT, DRIFT = "pattern", "approval", "report", "drift"
ENDED = ("retired", "blocked")
DETECTED, CLEARED = "detected", "cleared"


def card_changes(cards: Iterable[Card], stored: Iterable[Version]) -> list[Change]:
    """The card versions that are not stored with the same content, each with its event.

    Promotion, and the return from doubt, is `pattern.promoted`; `retired` and `blocked` are `pattern.retired`; entry
    into `watch` is `drift.detected`, since only evidence that turned leads there; all else is `pattern.changed`.
    """
    known = {(v.subject, v.version): v.sha256 for v in stored}
    states: dict[str, str] = {}
    changes = []
    for card in _in_order(cards):
        name, number, state = card["pattern_id"], card["version"], card["state"]
        before = states.get(name)
        states[name] = state
        version = Version(PATTERN, name, number, state, card)
        if known.get((name, number)) == version.sha256:
            continue
        data = {
            "pattern_id": name,
            "version": number,
            "state": state,
            "previous_state": before,
            "content_sha256": card["content_sha256"],
        }
        event = Event(_pattern_type(state, before), name, instant(card["recorded_at"]), data)
        changes.append(Change(version, event))
    return changes


def _in_order(cards: Iterable[Card]) -> list[Card]:
    """By time of recording, and never a version before its predecessor, even where a clock was set back."""
    latest: dict[str, datetime] = {}
    keyed = []
    for card in sorted(cards, key=lambda c: (c["pattern_id"], c["version"])):
        name = card["pattern_id"]
        latest[name] = max(latest.get(name, instant(card["recorded_at"])), instant(card["recorded_at"]))
        keyed.append(((latest[name], name, card["version"]), card))
    return [card for _, card in sorted(keyed, key=lambda pair: pair[0])]


def _pattern_type(state: str, before: str | None) -> str:
    if state == before:
        return "pattern.changed"
    if state == "promoted":
        return "pattern.promoted"
    if state in ENDED:
        return "pattern.retired"
    return "drift.detected" if state == "watch" else "pattern.changed"


def approval_changes(book: Book, policy: ApprovalPolicy, stored: Iterable[Version], at: datetime) -> list[Change]:
    """Requests, decisions and expiries in the ledger that are not stored yet.

    The ledger's line is the version that counts, written in one step; its event is derived from it here, whoever wrote
    the line. Lines that count for nothing have no event. `decision` is approved, denied, bypassed, passed (nobody
    objected, which is no consent) or expired.
    """
    known = {v.subject: v for v in stored}
    changes = []
    for case in book.cases:
        asked_at = utc(case.request.requested_at)
        subject = f"{case.request.subject}:{case.line}:{asked_at}"
        last = known.get(subject)
        about = {
            "subject": case.request.subject,
            "action": case.request.action,
            "ledger_line": case.line,
            "requested_at": asked_at,
        }
        if last is None:
            asked = about | {"version": 1, "state": "requested"}
            version = Version(APPROVAL, subject, 1, "requested", asked)
            event = Event("approval.requested", subject, case.request.requested_at, asked)
            changes.append(Change(version, event))
        decision = _decision(case, policy, at)
        if decision is None or (last is not None and last.state == decision):
            continue
        number = (last.version if last else 1) + 1
        told = about | {"version": number, "decision": decision}
        version = Version(APPROVAL, subject, number, decision, told)
        event = Event("approval.decided", subject, _decided_at(case, decision, at), told)
        changes.append(Change(version, event))
    return changes


def _decision(case: Case, policy: ApprovalPolicy, at: datetime) -> str | None:
    state = case.status(policy, at).state
    if state == "consumed":
        return "bypassed" if case.bypass is not None and not case.approvals else "approved"
    return None if state in ("pending", "unknown") else state


def _decided_at(case: Case, decision: str, at: datetime) -> datetime:
    if decision == "expired":
        return case.request.expires or at
    if decision == "passed" and case.end is not None:
        return case.end.at
    return case.decided_at or at


def run_changes(
    *,
    run_id: str,
    as_of: datetime,
    data_sha256: str,
    snapshot: str,
    files: Mapping[str, str],
    stored: Iterable[Version],
) -> list[Change]:
    """A run whose report passed its gates: the data are ready and the report is issued; `files` are names and hashes.

    A run is told once: its id is derived from its inputs, so the same inputs are the same run. Never call it for a
    blocked report.
    """
    data, report = f"{run_id}:data", f"{run_id}:report"
    if any(v.subject == report for v in stored):
        return []
    body: dict[str, Any] = {
        "run_id": run_id,
        "version": 1,
        "as_of": as_of.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "data_sha256": data_sha256,
        "snapshot": snapshot,
        "files": [{"file": name, "sha256": digest} for name, digest in sorted(files.items())],
    }
    ready = {k: body[k] for k in ("run_id", "version", "as_of", "data_sha256", "snapshot")} | {"checks_passed": True}
    issued = {k: body[k] for k in ("run_id", "version", "files")}
    return [
        Change(
            Version(REPORT, data, 1, "ready", ready),
            Event("performance_data_ready", data, as_of, ready),
        ),
        Change(Version(REPORT, report, 1, "issued", body), Event("report.issued", report, as_of, issued)),
    ]


def drift_changes(methods: Iterable[str], stored: Iterable[Version], at: datetime, run_id: str) -> list[Change]:
    """Methods that a run found to read away from the other evidence (warning `method_drift`).

    Told when it begins, not on every day it lasts. The end of it is stored, so that a return is news again, but has no
    event. A method whose name is no plain id is left out: it could carry a text from outside.
    """
    drifted = {method for method in methods if CHANNEL.fullmatch(method)}
    known = {v.subject: v for v in stored}
    changes = []
    for method in sorted(drifted | known.keys()):
        last = known.get(method)
        state = DETECTED if method in drifted else CLEARED
        if last is not None and last.state == state:
            continue
        number = last.version + 1 if last else 1
        data = {"method": method, "warning": "method_drift", "run_id": run_id, "version": number}
        event = Event("drift.detected", f"method:{method}", at, data) if state == DETECTED else None
        changes.append(Change(Version(DRIFT, method, number, state, data | {"state": state}), event))
    return changes
