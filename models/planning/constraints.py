"""What a plan may not do: limits per channel and group, checked for contradictions before anything is optimised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import BaseModel, Field, NonNegativeFloat, model_validator


class Group(BaseModel, frozen=True, extra="forbid"):
    """The sum of some channels, in money over the horizon."""

    name: str
    channels: tuple[str, ...]
    least: NonNegativeFloat = 0.0
    most: float = float("inf")

    @model_validator(mode="after")
    def in_order(self) -> Group:
        if self.most < self.least:
            raise ValueError(f"group {self.name!r}: most {self.most:g} is below least {self.least:g}")
        return self


class Constraints(BaseModel, frozen=True, extra="forbid"):
    """Limits in money over the whole horizon.

    `bounds` are least and most per channel; `move_limits` the largest share a channel may move from the current mix
    at the planned budget; `by_evidence` applies the limits of the channel's evidence tier where no own one is given;
    `fence` keeps spend inside the range that was observed.
    """

    bounds: Mapping[str, tuple[NonNegativeFloat, float]] = Field(default_factory=dict)
    move_limits: Mapping[str, NonNegativeFloat] = Field(default_factory=dict)
    groups: tuple[Group, ...] = ()
    by_evidence: bool = True
    fence: bool = True


def check_feasible(
    channels: Sequence[str], low: np.ndarray, high: np.ndarray, groups: Sequence[Group], budget: float
) -> None:
    """Raises ValueError naming the limits that contradict each other or the budget."""
    for name, least, most in zip(channels, low, high, strict=True):
        if least > most + 1e-9:
            raise ValueError(
                f"channel {name!r}: its limits contradict each other (least {least:,.2f}, most {most:,.2f})"
            )
    if low.sum() > budget * (1 + 1e-9):
        raise ValueError(
            f"the least spends add up to {low.sum():,.2f}, above the budget of {budget:,.2f}: lower a minimum"
        )
    if high.sum() < budget * (1 - 1e-9):
        tight = ", ".join(f"{c} {h:,.2f}" for c, h in zip(channels, high, strict=True))
        raise ValueError(
            f"the most that may be spent is {high.sum():,.2f} ({tight}), below the budget of {budget:,.2f}: lower"
            " the budget,"
            " or lift a limit (bounds, move_limits, by_evidence, fence)"
        )
    for group in groups:
        unknown = sorted(set(group.channels) - set(channels))
        if unknown:
            raise ValueError(f"group {group.name!r} names {unknown[0]!r}; the plan has {', '.join(channels)}")
        inside = np.isin(channels, group.channels)
        if low[inside].sum() > group.most or high[inside].sum() < group.least:
            raise ValueError(f"group {group.name!r}: its limits contradict those of its channels")
        if budget - high[~inside].sum() > group.most * (1 + 1e-9) or budget - low[~inside].sum() < group.least * (
            1 - 1e-9
        ):
            raise ValueError(f"group {group.name!r}: its limits leave no way to spend exactly {budget:,.2f}")
