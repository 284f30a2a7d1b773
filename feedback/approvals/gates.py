"""The gates: which action waits for whom, for how many people, and until when."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, Field

from feedback.approvals.roster import Role

DAY = 24


class Gate(BaseModel, frozen=True, extra="forbid"):
    """What an action waits for.

    `quorum` different people of `roles` must approve; with `every_role` each of the roles must be among them. Amounts
    (report currency) up to `free_up_to` wait for nobody; above `two_above` at least two people decide. After
    `expires_hours` the action is not carried out. From 90 % of that time on people of `escalate_to` may decide as well,
    except for a role that `every_role` demands.
    """

    roles: tuple[Role, ...] = Field(min_length=1)
    quorum: int = Field(default=1, ge=1, le=5)
    every_role: bool = False
    free_up_to: Decimal | None = Field(default=None, ge=0)
    two_above: Decimal | None = Field(default=None, ge=0)
    expires_hours: int = Field(default=72, ge=1, le=90 * DAY)
    escalate_to: tuple[Role, ...] = ()

    @property
    def who(self) -> str:
        """The roles in words: joined by "and" where each of them must agree."""
        return (" and " if self.every_role else " or ").join(self.roles)

    def people_needed(self, amount: Decimal | None) -> int:
        """How many different people must approve; an amount that is not given counts as above every limit."""
        needed = max(self.quorum, len(self.roles)) if self.every_role else self.quorum
        above = self.two_above is not None and (amount is None or amount > self.two_above)
        return max(needed, 2) if above else needed


# Who decides on what unless plumbline.yaml says otherwise; the first four and the pattern gates are the common ones of
# content teams (strategy, publication, money, claims), each with the time after which a decision is no longer of use.
DEFAULT_GATES: Mapping[str, Mapping[str, Any]] = {
    "brief": {"roles": ("brand_owner",), "expires_hours": 7 * DAY, "escalate_to": ("cmo",)},
    "publish": {"roles": ("editor",), "expires_hours": 3 * DAY, "escalate_to": ("brand_owner",)},
    "redistribute": {"roles": ("editor",), "expires_hours": 3 * DAY, "escalate_to": ("brand_owner",)},
    "spend": {"roles": ("cfo", "cmo"), "every_role": True, "free_up_to": 0, "expires_hours": DAY},
    "audience": {"roles": ("brand_owner", "cmo"), "expires_hours": 3 * DAY, "escalate_to": ("cfo",)},
    "brand_critical": {"roles": ("brand_owner",), "expires_hours": 3 * DAY, "escalate_to": ("cmo",)},
    "compliance": {"roles": ("compliance",), "expires_hours": 3 * DAY},
    "quality": {"roles": ("editor",), "expires_hours": 3 * DAY, "escalate_to": ("brand_owner",)},
    "final_approval": {"roles": ("brand_owner",), "expires_hours": 3 * DAY, "escalate_to": ("cmo",)},
    "plan_of_record": {"roles": ("cfo", "cmo"), "every_role": True, "expires_hours": 7 * DAY},
    "report_close": {"roles": ("cfo",), "expires_hours": 7 * DAY},
    "pattern_low": {"roles": ("brand_owner", "editor", "compliance"), "expires_hours": 7 * DAY},
    "pattern_brand": {"roles": ("brand_owner",), "expires_hours": 7 * DAY, "escalate_to": ("cmo",)},
    "pattern_claim": {"roles": ("brand_owner", "compliance"), "every_role": True, "expires_hours": 7 * DAY},
    "pattern_regulated": {"roles": ("brand_owner", "compliance"), "every_role": True, "expires_hours": 7 * DAY},
}
ACTIONS = tuple(DEFAULT_GATES)
# Money, audience, brand and regulated text always wait for a person; so do the quality gates themselves.
MAY_BE_DELEGATED = ("brief", "publish", "redistribute")
# What an agent does inside its own desk: nothing leaves the company by it.
AGENT_TASKS = ("read_patterns", "draft", "revise", "return_receipt", "propose_test")
