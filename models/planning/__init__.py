"""Budget plans from a fitted model: what to spend next, with its risk and its limits."""

from __future__ import annotations

from models.planning.budget_frontier import Goal, frontier, next_return, reach
from models.planning.constraints import Constraints, Flight, Group, Ratio
from models.planning.media_price import Delivery
from models.planning.planner import plan, plan_of
from models.planning.prepared_future import Evidence, Outlook, prepare
from models.planning.result import Plan

__all__ = [
    "Constraints",
    "Delivery",
    "Evidence",
    "Flight",
    "Goal",
    "Group",
    "Outlook",
    "Plan",
    "Ratio",
    "frontier",
    "next_return",
    "plan",
    "plan_of",
    "prepare",
    "reach",
]
