"""How a user test may be looked at: once at its end, always, or at a declared number of looks."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from models.incrementality.group_sequential import NODES, Spending, always_valid, group_sequential_bounds
from models.incrementality.inversion import exact_alpha
from models.incrementality.users.estimate import Difference

COARSE = 401  # nodes while searching the p-value, which is printed with three digits


@dataclass(frozen=True)
class Reading:
    """p-value and half-width of the difference, both from the same rule."""

    p_value: float
    reach: float
    rule: str


@dataclass(frozen=True)
class OneLook:
    """Read once, at the planned end."""

    def read(self, contrast: Difference, level: float) -> Reading:
        return Reading(contrast.p_value(), contrast.reach(level), "Welch t-test, one look")


@dataclass(frozen=True)
class AnyLook:
    """Read whenever one likes; `planned` users (both arms) is where the range is tightest."""

    planned: int

    def __post_init__(self) -> None:
        if self.planned < 2:
            raise ValueError(f"planned={self.planned}: the number of users the test was sized for")

    def read(self, contrast: Difference, level: float) -> Reading:
        users = contrast.control.n + contrast.treatment.n
        valid = always_valid(contrast.point, contrast.standard_error, users, planned=self.planned, level=level)
        return Reading(valid.p_value, valid.half_width, "always-valid confidence sequence")


@dataclass(frozen=True)
class DeclaredLooks:
    """Read at looks declared before the start, as shares of the final information; this is look number `look`."""

    fractions: tuple[float, ...]
    look: int
    spending: Spending = "obrien_fleming"

    def __post_init__(self) -> None:
        if not 1 <= self.look <= len(self.fractions):
            raise ValueError(f"look={self.look}: looks 1 to {len(self.fractions)} were declared")

    def bound(self, alpha: float, nodes: int = NODES) -> float:
        """Boundary of |z| at this look."""
        used = self.fractions
        return group_sequential_bounds(used, alpha=alpha, spending=self.spending, nodes=nodes)[self.look - 1]

    def read(self, contrast: Difference, level: float) -> Reading:
        """Repeated interval at this look; p is the smallest total error at which this look would have stopped."""
        alpha = float(exact_alpha(level))
        z = abs(contrast.point) / contrast.standard_error
        bound = self.bound(alpha)
        low, high = 1e-6, 0.999
        for _ in range(14):  # p to three digits; each step solves the boundaries anew
            middle = sqrt(low * high)
            low, high = (low, middle) if self.bound(middle, COARSE) <= z else (middle, high)
        p_value = min(high, alpha) if z >= bound else max(high, alpha * (1 + 1e-9))
        return Reading(p_value, bound * contrast.standard_error, f"group-sequential, {self.spending}, look {self.look}")


Plan = OneLook | AnyLook | DeclaredLooks
