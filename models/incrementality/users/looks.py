"""How a user test may be looked at: once at its end, always, or at a declared number of looks."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from models.incrementality.group_sequential import NODES, Spending, always_valid, group_sequential_bounds
from models.incrementality.inversion import exact_alpha, normal_quantile
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

    rule = "one look"

    def read(self, contrast: Difference, level: float) -> Reading:
        return Reading(contrast.p_value(), contrast.reach(level), "Welch t-test, one look")

    def bound(self, users: int, level: float) -> float:
        """Normal score beyond which an effect is found; the same at every number of users."""
        return normal_quantile(level)

    def p_value(self, score: float, users: int, level: float) -> float:
        """Two-sided p of a Normal score."""
        from scipy import stats

        return float(2 * stats.norm.sf(abs(score)))


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
        return Reading(valid.p_value, valid.half_width, self.rule)

    @property
    def rule(self) -> str:
        return "always-valid confidence sequence"

    def bound(self, users: int, level: float) -> float:
        """Normal score beyond which an effect is found after `users` in both arms."""
        return always_valid(0.0, 1.0, users, planned=self.planned, level=level).half_width

    def p_value(self, score: float, users: int, level: float) -> float:
        """Always-valid p of a Normal score."""
        return always_valid(score, 1.0, users, planned=self.planned, level=level).p_value


@dataclass(frozen=True)
class DeclaredLooks:
    """Read at looks declared before the start, as shares of the final information; this is look number `look`."""

    fractions: tuple[float, ...]
    look: int
    spending: Spending = "obrien_fleming"

    def __post_init__(self) -> None:
        if not 1 <= self.look <= len(self.fractions):
            raise ValueError(f"look={self.look}: looks 1 to {len(self.fractions)} were declared")

    @property
    def rule(self) -> str:
        return f"group-sequential, {self.spending}, look {self.look}"

    def read(self, contrast: Difference, level: float) -> Reading:
        """Repeated interval at this look; p is the smallest total error at which this look would have stopped."""
        users = contrast.control.n + contrast.treatment.n
        p_value = self.p_value(contrast.point / contrast.standard_error, users, level)
        return Reading(p_value, self.bound(users, level) * contrast.standard_error, self.rule)

    def bound(self, users: int, level: float) -> float:
        """Boundary of |z| at this look."""
        return self._boundary(float(exact_alpha(level)))

    def p_value(self, score: float, users: int, level: float) -> float:
        """Smallest total error at which this look would have stopped for a Normal score."""
        alpha, z = float(exact_alpha(level)), abs(score)
        low, high = 1e-6, 0.999
        for _ in range(14):  # p to three digits; each step solves the boundaries anew
            middle = sqrt(low * high)
            low, high = (low, middle) if self._boundary(middle, COARSE) <= z else (middle, high)
        return min(high, alpha) if z >= self._boundary(alpha) else max(high, alpha * (1 + 1e-9))

    def _boundary(self, alpha: float, nodes: int = NODES) -> float:
        return group_sequential_bounds(self.fractions, alpha=alpha, spending=self.spending, nodes=nodes)[self.look - 1]


Plan = OneLook | AnyLook | DeclaredLooks
