"""The ledger of approvals: requests, decisions and their single use, append-only, chained, signed and anchored."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from filelock import FileLock

from feedback.approvals.cases import PERSON, Book, Case, Void, read_book, refusal
from feedback.approvals.policy import ApprovalPolicy, at_stake
from feedback.approvals.request import ApprovalStatus, Request, event_of, utc
from feedback.approvals.seal import Seal
from feedback.storage import hash_chain
from feedback.storage.canonical_json import sha256
from models.error import PlumblineError

LONGEST_LINE = 16_384
FILE = "ledger.jsonl"
DECISIONS = ("approved", "denied", "bypassed")


class ApprovalRefused(PlumblineError, ValueError):
    """A decision that may not be made, or an artifact without an approval; the text says why and what to do."""


@dataclass(frozen=True)
class LedgerCheck:
    """What a check of the ledger found: number of lines, whether a key checked them, the lines that do not count."""

    lines: int
    signed: bool
    anchor: str
    void: tuple[Void, ...]


class Approvals:
    """The ledger in one file. Every change takes a lock, checks chain, signatures and anchor, and is then on the disk.

    `policy` says who may decide. The caller must have established who the person is; `identified` records how (a token,
    or merely a name stated by whoever ran the command), because this class cannot know. `brand` set: requests that do
    not carry it as parameter `brand` are refused. Raises ChainBroken or LedgerBroken from every method when the file
    was tampered with: a gate that cannot be read is closed.
    """

    def __init__(
        self, path: Path, policy: ApprovalPolicy, *, seal: Seal | None = None, brand: str | None = None
    ) -> None:
        self._path, self._policy, self._brand = path, policy, brand
        self._seal = seal or Seal(path.with_suffix(".anchor"))

    @property
    def policy(self) -> ApprovalPolicy:
        """The policy by which decisions are judged."""
        return self._policy

    def ask(self, request: Request) -> str:
        """Adds a request to the queue and returns its subject; see `ask_all`."""
        return self.ask_all([request])[0]

    def ask_all(self, requests: Iterable[Request]) -> list[str]:
        """Adds requests to the queue and returns their subjects; one that is already open is not added twice.

        Quorum and expiry are the gate's, or stricter. After a denial, an expiry or its single use a subject may be
        requested again and needs new decisions. Raises ApprovalRefused for an action without a gate, another brand, and
        a requester that the policy does not name.
        """
        complete = [self._acceptable(request) for request in requests]
        if not complete:
            return []
        with self._locked() as lines:
            book = self._book(lines)
            for request in {request.subject: request for request in complete}.values():
                case = book.case(request.subject)
                state = case.status(self._policy, request.requested_at).state if case else "unknown"
                if state not in ("pending", "approved", "bypassed"):
                    self._append(lines, event_of(request))
        return [request.subject for request in complete]

    def approve(
        self, subject: str, *, by: str, at: datetime, identified: str = "stated", seconds_shown: float | None = None
    ) -> ApprovalStatus:
        """Records a named person's consent to exactly this subject. Raises ApprovalRefused if it is not valid."""
        return self._decide("approved", subject, by, at, identified, seconds_shown=seconds_shown)

    def deny(
        self,
        subject: str,
        *,
        by: str,
        reason: str,
        at: datetime,
        identified: str = "stated",
        seconds_shown: float | None = None,
    ) -> ApprovalStatus:
        """Records a denial with the class of its reason. One denial ends the request, whatever the quorum.

        A pattern that is already in the feed may be denied as well: the next run then blocks its card.
        """
        return self._decide("denied", subject, by, at, identified, reason=reason, seconds_shown=seconds_shown)

    def bypass(self, subject: str, *, by: str, reason: str, at: datetime, identified: str = "stated") -> ApprovalStatus:
        """Lets one person of the gate act without its quorum, for 8 hours, with a written reason and a bypass id.

        It is recorded and listed for good. It needs one of the gate's roles, and the requester still cannot grant it.
        """
        return self._decide(
            "bypassed", subject, by, at, identified, reason=reason[:280], bypass_id=f"bypass_{secrets.token_hex(6)}"
        )

    def consume(self, request: Request, *, at: datetime, used_for: str = "") -> tuple[str, ...]:
        """Uses the approval for exactly this action, artifact and parameters, once; returns who approved.

        Call it right before acting. `used_for` names the act (`pat_…@3`): the same act may ask again after a crash and
        is told the same, any other is refused. Raises ApprovalRefused when the subject is not approved, expired, denied
        or used.
        """
        return self._end("consumed", self._acceptable(request), at, used_for)

    def pass_veto(self, request: Request, *, at: datetime, used_for: str = "") -> None:
        """Records that nobody denied an announced low-risk card within the veto hours; this is no consent by anybody.

        Raises ApprovalRefused before the hours are over, after a denial, and for any other action.
        """
        self._end("passed", self._acceptable(request), at, used_for)

    def status(self, subject: str, at: datetime) -> ApprovalStatus:
        """The state of the newest request for a subject at the moment `at`."""
        case = self.book().case(subject)
        return case.status(self._policy, at) if case else ApprovalStatus(state="unknown")

    def pending(self, at: datetime, *, weekly_limit: int | None = None) -> list[Request]:
        """Requests that wait for a person, the most valuable first, then those that expire first.

        With `weekly_limit` only as many as may still be decided: the limit less the decisions of the last seven days.
        The others stay in the ledger and appear later, or expire without being carried out.
        """
        book = self.book()
        waiting = [self._policy.terms(case.request) for case in self.open_cases(at, book)]
        waiting.sort(key=rank)
        if weekly_limit is None:
            return waiting
        return waiting[: max(0, weekly_limit - decided_within_a_week(book, at))]

    def open_cases(self, at: datetime, book: Book | None = None) -> list[Case]:
        """The newest case of every subject that waits for a decision at `at`."""
        book = book or self.book()
        newest = [book.cases[i] for i in book.newest.values()]
        return [case for case in newest if case.status(self._policy, at).state == "pending"]

    def book(self) -> Book:
        """All cases, and the lines that count for nothing."""
        return self._book(self._checked())

    def check(self) -> LedgerCheck:
        """Checks chain, signatures and anchor. Raises ChainBroken or LedgerBroken with the row where it breaks."""
        lines = self._checked()
        anchor = "holds" if self._seal.read() else "none yet"
        signed = self._seal.key is not None
        return LedgerCheck(len(lines), signed, anchor, self._book(lines).uncounted(self._policy))

    def adopt_key(self, at: datetime) -> None:
        """Signs a ledger that began without a key: one signed line vouches for all lines before it."""
        if self._seal.key is None:
            raise ApprovalRefused("there is no key to adopt", fix="set PLUMBLINE_APPROVAL_KEY or approvals.key_file")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self._path}.lock", timeout=30):
            lines = hash_chain.checked_lines(self._path)
            if any("mac" in json.loads(text) for text in lines):
                raise ApprovalRefused("the ledger is signed already", file=self._path.name)
            Seal(self._seal.anchor).check(self._path, lines)
            self._append(lines, {"event": "key_adopted", "lines": len(lines), "at": utc(at)})

    def re_anchor(self) -> int:
        """Writes a new anchor for the ledger as it stands, after a person has compared it with a backup.

        Returns the number of lines. Raises ChainBroken where the lines do not follow from each other.
        """
        lines = hash_chain.checked_lines(self._path)
        self._seal.write(lines)
        return len(lines)

    def _acceptable(self, request: Request) -> Request:
        if self._policy.gate(request.action) is None:
            raise ApprovalRefused(
                f"{request.action} has no gate", file="plumbline.yaml", key="approvals.gates", value=request.action
            )
        if self._brand is not None and request.params.get("brand") != self._brand:
            named = request.params.get("brand")
            raise ApprovalRefused(f"the request is for brand {named!r}, this ledger is of {self._brand!r}")
        if not self._policy.knows(request.requested_by):
            raise ApprovalRefused(
                f"{request.requested_by!r} may not request anything: neither a person nor an agent of the roster",
                file="plumbline.yaml",
                key="approvals",
                value=request.requested_by,
            )
        return self._policy.terms(request)

    def _decide(self, event: str, subject: str, by: str, at: datetime, identified: str, **more: Any) -> ApprovalStatus:
        body = {"event": event, "subject": subject, "by": by, "at": utc(at), "how": PERSON, "identified": identified}
        body |= {key: value for key, value in more.items() if value is not None}
        with self._locked() as lines:
            case = self._book(lines).case(subject)
            reason = refusal(case, body, self._policy)
            if reason is not None:
                raise ApprovalRefused(reason, fix=None if case else "`plumbline pending WS` lists the open requests")
            self._append(lines, body)
        return self.status(subject, at)

    def _end(self, event: str, request: Request, at: datetime, used_for: str) -> tuple[str, ...]:
        body = {"event": event, "subject": request.subject, "at": utc(at), "used_for": used_for}
        with self._locked() as lines:
            case = self._book(lines).case(request.subject)
            if case is not None and case.request.requested_by != request.requested_by:
                asked = case.request.requested_by
                raise ApprovalRefused(f"{asked} asked for it, so {request.requested_by} may not act on it")
            ended = case.end if case is not None and case.denial is None else None
            if case and ended and used_for and (ended.event, ended.used_for) == (event, used_for):
                return case.status(self._policy, at).by
            reason = refusal(case, body, self._policy)
            if reason is not None:
                unknown = f"{request.action} {request.artifact_sha256[:12]} is unknown: {reason}"
                raise ApprovalRefused(reason if case else unknown)
            assert case is not None
            people = case.status(self._policy, at).by
            self._append(lines, body)
        return people

    def _book(self, lines: Iterable[str]) -> Book:
        return read_book((json.loads(text) for text in lines), self._policy)

    def _checked(self) -> list[str]:
        lines = hash_chain.checked_lines(self._path)
        self._seal.check(self._path, lines)
        return lines

    def _append(self, lines: list[str], body: Mapping[str, Any]) -> None:
        text = hash_chain.line(hash_chain.head(lines), body, key=self._seal.key)
        if len(text) > LONGEST_LINE:
            raise ApprovalRefused(f"the entry has {len(text)} characters; at most {LONGEST_LINE} are kept")
        if not lines and self._seal.read() is None:
            self._seal.write(lines)  # first: a crash between the two must not look like a lost anchor
        hash_chain.append(self._path, text)
        lines.append(text)
        self._seal.write(lines)

    @contextmanager
    def _locked(self) -> Iterator[list[str]]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self._path}.lock", timeout=30):
            yield self._checked()


def rank(request: Request) -> tuple[bool, Decimal, str, str]:
    """The order of the queue: most money first (unknown money last), then what expires first."""
    money = max((m for m in (request.worth, at_stake(request)) if m is not None), default=None)
    expires = request.expires or request.requested_at
    return money is None, -(money or Decimal(0)), utc(expires), request.subject


def decided_within_a_week(book: Book, at: datetime) -> int:
    """On how many requests people decided in the last seven days; the approvals of one quorum are one decision."""
    cases = [[d for d in (*case.approvals, case.denial, case.bypass) if d is not None] for case in book.cases]
    return sum(any(at - timedelta(days=7) < deed.at <= at for deed in deeds) for deeds in cases)


def decisions_digest(path: Path) -> str:
    """Digest of the decisions in a ledger, an input of each run; requests and uses, which runs write, do not count."""
    decisions = []
    for text in hash_chain.lines_of(path):
        try:
            entry = json.loads(text)
        except ValueError:
            entry = {"event": "denied", "unreadable": text}
        if not isinstance(entry, dict) or entry.get("event") in DECISIONS:
            decisions.append(entry)
    return sha256([json.dumps(entry, sort_keys=True) for entry in decisions])
