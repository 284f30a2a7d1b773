"""The one error of planning: why there is no plan."""

from __future__ import annotations

from models.error import PlumblineError


class NoPlan(PlumblineError, ValueError):
    """No plan exists: limits contradict each other, a goal is out of reach, or the fit or its future is unusable."""
