"""Budget plans from a fitted model: what to spend next, with its risk, its limits and what it could not know."""

from __future__ import annotations

from models.planning.constraints import Constraints, Group
from models.planning.future import Delivery
from models.planning.planner import Plan, frontier, plan

__all__ = ["Constraints", "Delivery", "Group", "Plan", "frontier", "plan"]
