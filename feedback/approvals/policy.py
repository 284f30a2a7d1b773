"""The approval policy of plumbline.yaml: who decides on what, and which agent may do what without asking."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from pydantic import BaseModel, Field, field_validator, model_validator

from feedback.approvals.gates import ACTIONS, AGENT_TASKS, DEFAULT_GATES, MAY_BE_DELEGATED, Gate
from feedback.approvals.request import AGENT, LARGEST_AMOUNT, Actor, Request
from feedback.approvals.roster import STANDARD_ROLES, Agent, Person, Role

# Namespaces of features. Single features are compared with the vocabulary by the pattern gate: it is slow to import.
NAMESPACES = (
    *("headline", "body", "cta", "visual", "offer", "format", "tone", "page", "email"),
    *("hook", "topic", "proof", "length", "audience", "channel"),
)
Risk = Literal["low", "brand", "claim", "regulated"]
PIPELINE = "pipeline"
ESCALATES_AT, REMINDS_AT = 0.9, 0.5


@dataclass(frozen=True)
class Permission:
    """What the policy says to an agent: `free` without asking, `ask` with a person's approval, or `never`."""

    verdict: Literal["free", "ask", "never"]
    reason: str


class ApprovalPolicy(BaseModel, frozen=True, extra="forbid"):
    """The key `approvals`: people, gates, agents, risks of features, and where key and anchor of the ledger lie.

    `approvers` is the short form: each named person holds every role. `gates` holds only what differs from the
    defaults. `risks` names features or namespaces (`offer`, `headline.money`) whose cards need a person. Low-risk cards
    are announced and enter the feed after `veto_hours` unless somebody denies them. `key_file` is the file with the key
    that signs the ledger, `anchor_file` the second place where its length and head are kept; both are best outside the
    workspace.
    """

    approvers: tuple[Actor, ...] = ()
    weekly_limit: int = Field(default=5, ge=1)
    people: tuple[Person, ...] = ()
    more_roles: tuple[Role, ...] = ()
    gates: dict[str, Gate] = Field(default_factory=dict)
    agents: tuple[Agent, ...] = ()
    risks: dict[str, Risk] = Field(default_factory=dict)
    veto_hours: int = Field(default=24, ge=0, le=14 * 24)
    require_token: bool = False
    key_file: str | None = None
    anchor_file: str | None = None

    @field_validator("gates", mode="before")
    @classmethod
    def _over_the_defaults(cls, gates: Any) -> Any:
        if not isinstance(gates, dict):
            return gates
        for action in gates:
            if action not in DEFAULT_GATES:
                raise ValueError(f"{action} is not an action; write one of {', '.join(ACTIONS)}")
        return {
            action: {**DEFAULT_GATES[action], **own} if isinstance(own, dict) else own for action, own in gates.items()
        }

    @model_validator(mode="after")
    def _names_are_known(self) -> ApprovalPolicy:
        complaint = next(iter(self._complaints()), None)
        if complaint:
            raise ValueError(complaint)
        return self

    def _complaints(self) -> Iterable[str]:
        roles = (*STANDARD_ROLES, *self.more_roles)
        ids = [*self.approvers, *(person.id for person in self.people), *(agent.id for agent in self.agents)]
        for name in sorted({i for i in ids if ids.count(i) > 1}):
            yield f"{name} is listed twice under approvers, people or agents; keep one entry"
        for name in self.approvers:
            if name.startswith(AGENT):
                yield f"approvers: {name} is an agent; only people decide"
        for person in self.people:
            for role in person.roles:
                if role not in roles:
                    yield f"people {person.id}: {role} is not a role; known: {', '.join(roles)} (more_roles adds one)"
        for action, gate in self.gates.items():
            for role in (*gate.roles, *gate.escalate_to):
                if role not in roles:
                    yield f"gates.{action}: {role} is not a role; known: {', '.join(roles)} (more_roles adds one)"
        people = [*self.approvers, *(person.id for person in self.people)]
        for feature in self.risks:
            if feature.split(".", 1)[0] not in NAMESPACES:
                yield f"risks: {feature} lies in no namespace of features; known: {', '.join(NAMESPACES)}"
        for agent in self.agents:
            if agent.owner not in people:
                yield f"agents {agent.id}: owner {agent.owner} is not a person; known: {', '.join(people) or 'nobody'}"
            for key, allowed in (("may", (*AGENT_TASKS, *MAY_BE_DELEGATED)), ("asks", ACTIONS)):
                for action in getattr(agent, key):
                    if action not in (*AGENT_TASKS, *ACTIONS):
                        yield f"agents {agent.id}.{key}: {action} is not an action; write one of {', '.join(allowed)}"
                    elif action not in allowed:
                        yield f"agents {agent.id}.{key}: {action} cannot stand here; write one of {', '.join(allowed)}"

    def person(self, actor: str) -> Person | None:
        """The person with this id, None for anybody else; a person under `approvers` holds every role."""
        if actor in self.approvers:
            return Person(id=actor, roles=(*STANDARD_ROLES, *self.more_roles))
        return next((person for person in self.people if person.id == actor), None)

    @property
    def everybody(self) -> tuple[Person, ...]:
        """All people who may decide on something."""
        listed = tuple(p for a in self.approvers if (p := self.person(a)) is not None)
        return (*listed, *self.people)

    def knows(self, actor: str) -> bool:
        """Whether a request may come from this actor: the pipeline, a person, or an agent of the roster."""
        return actor == PIPELINE or self.person(actor) is not None or any(a.id == actor for a in self.agents)

    def gate(self, action: str) -> Gate | None:
        """The gate of an action, None for a word that is not one."""
        if action in self.gates:
            return self.gates[action]
        return Gate.model_validate(DEFAULT_GATES[action]) if action in DEFAULT_GATES else None

    def terms(self, request: Request) -> Request:
        """The request with the gate's quorum and expiry; the request's own count only where they are stricter.

        Raises KeyError for an action without a gate.
        """
        gate = self.gate(request.action)
        if gate is None:
            raise KeyError(request.action)
        latest = request.requested_at + timedelta(hours=gate.expires_hours)
        expires = min(request.expires, latest) if request.expires else latest
        quorum = max(request.quorum, gate.people_needed(amount_of(request)))
        return request.model_copy(update={"expires": expires, "quorum": quorum})

    def may_decide(self, request: Request, actor: str, at: datetime) -> str | None:
        """Why this actor may not decide on the request at `at`; None if the policy allows it."""
        gate, person = self.gate(request.action), self.person(actor)
        named = ", ".join(p.id for p in self.deciders(request, at)) or "nobody"
        if gate is None:
            return f"there is no gate for {request.action}"
        if person is None:
            return f"{actor!r} may not decide on {request.action}, only {named}"
        if not set(person.roles) & set(self._roles(gate, request, at)):
            return (
                f"{actor!r} may not decide on {request.action}: it needs {gate.who} ({named}), not"
                f" {', '.join(person.roles)}"
            )
        return None

    def deciders(self, request: Request, at: datetime) -> tuple[Person, ...]:
        """The people who may decide on the request at `at`: those with its roles, never the one who made it."""
        gate = self.gate(request.action)
        roles = set(self._roles(gate, request, at)) if gate else set()
        return tuple(p for p in self.everybody if set(p.roles) & roles and p.id != request.requested_by)

    def fulfilled(self, request: Request, approvers: Iterable[str]) -> bool:
        """Whether these people's consent is what the gate waits for: enough different people, every demanded role."""
        gate = self.gate(request.action)
        people = [p for a in dict.fromkeys(approvers) if (p := self.person(a)) is not None]
        if gate is None or len(people) < self.terms(request).quorum:
            return False
        return not gate.every_role or _each_by_another(gate.roles, people)

    def permission(self, agent_id: str, action: str, *, amount: Decimal | None = None) -> Permission:
        """Whether an agent may do this without asking, only with approval, or not at all.

        `amount` is in the report currency; spending without a stated amount always asks. An agent that is not in the
        roster may do nothing.
        """
        agent = next((a for a in self.agents if a.id == agent_id), None)
        if agent is None:
            known = ", ".join(a.id for a in self.agents) or "nobody"
            return Permission("never", f"{agent_id} is not in the roster (approvals.agents: {known})")
        if action in agent.may:
            return Permission("free", f"{agent_id} may {action} without asking (approvals.agents, owner {agent.owner})")
        if action not in agent.asks:
            return Permission("never", f"{action} is not in the mandate of {agent_id}; {agent.owner} may add it")
        gate = self.gate(action)
        free = gate.free_up_to if gate else None
        if free and amount is not None and amount.is_finite() and 0 <= amount <= free:
            return Permission("free", f"{action} up to {free} waits for nobody (approvals.gates.{action}.free_up_to)")
        return Permission("ask", f"{action} waits for {gate.who if gate else 'a person'}")

    def _roles(self, gate: Gate, request: Request, at: datetime) -> tuple[str, ...]:
        escalated = not gate.every_role and elapsed(self.terms(request), at) >= ESCALATES_AT
        return (*gate.roles, *gate.escalate_to) if escalated else gate.roles


def amount_of(request: Request) -> Decimal | None:
    """The parameter `amount` of a request, None where it is missing or no amount."""
    try:
        amount = Decimal(request.params.get("amount", ""))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 <= amount <= LARGEST_AMOUNT else None


def at_stake(request: Request) -> Decimal | None:
    """What may be lost by a request: as it states, else the amount it would spend; None where neither is known."""
    return request.at_risk if request.at_risk is not None else amount_of(request)


def elapsed(request: Request, at: datetime) -> float:
    """The share of the time to decide that is over: 0 when requested, 1 at expiry."""
    if request.expires is None:
        return 0.0
    return (at - request.requested_at) / (request.expires - request.requested_at)


def _each_by_another(roles: tuple[str, ...], people: list[Person]) -> bool:
    """Whether every role can be filled by a different one of the people."""
    if not roles:
        return True
    return any(
        _each_by_another(roles[1:], [p for p in people if p is not person])
        for person in people
        if roles[0] in person.roles
    )
