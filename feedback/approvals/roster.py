"""Who there is: people with roles, and agents with a mandate. What each may do is in `policy`."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field, field_validator

from feedback.approvals.request import AGENT, Actor, Line

STANDARD_ROLES = ("brand_owner", "editor", "compliance", "cfo", "cmo", "auditor")
Role = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")]


class Person(BaseModel, frozen=True, extra="forbid"):
    """A person who may decide. `name` is how cards and pages call them; without it only the role is shown there."""

    id: Actor
    name: Line = ""
    roles: tuple[Role, ...] = Field(min_length=1)

    @field_validator("id")
    @classmethod
    def _is_no_agent(cls, value: str) -> str:
        if value.startswith(AGENT):
            raise ValueError(f"{value} is an agent's id: agents never decide; list it under approvals.agents")
        return value


class Agent(BaseModel, frozen=True, extra="forbid"):
    """An agent of the roster: what it is for, who answers for it, what it works with and how its work is judged.

    `may` lists what it does without asking, `asks` what it does with a person's approval; everything else it may not
    do. `sees` names the data it reads, `success` the measure by which its owner judges it.
    """

    id: Actor
    role: Line
    mandate: Line
    owner: Actor
    success: Line
    tools: tuple[Line, ...] = ()
    sees: tuple[Line, ...] = ()
    may: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()

    @field_validator("id")
    @classmethod
    def _is_an_agent(cls, value: str) -> str:
        if not value.startswith(AGENT):
            raise ValueError(f"{value} is not an agent's id; write {AGENT}{value}")
        return value
