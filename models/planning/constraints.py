"""Limits of a plan per channel, group, geo and period, checked for contradictions before it is solved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import BaseModel, Field, NonNegativeFloat, PositiveInt, model_validator

from models.planning.no_plan import NoPlan


class Group(BaseModel, frozen=True, extra="forbid"):
    """Limits on the money of these channels in these geos and periods over the horizon; an empty tuple means all.

    Periods count from 1, the first after the data. Geos need a plan by geo, periods a plan by period.
    """

    name: str
    channels: tuple[str, ...] = ()
    geos: tuple[str, ...] = ()
    periods: tuple[PositiveInt, ...] = ()
    least: NonNegativeFloat = 0.0
    most: float = float("inf")

    @model_validator(mode="after")
    def in_order(self) -> Group:
        if self.most < self.least:
            raise ValueError(f"group {self.name!r}: most {self.most:g} is below least {self.least:g}")
        return self


class Ratio(BaseModel, frozen=True, extra="forbid"):
    """Money of `of` is at least `least` and at most `most` times the money of `to`."""

    name: str
    of: tuple[str, ...]
    to: tuple[str, ...]
    least: NonNegativeFloat = 0.0
    most: float = float("inf")

    @model_validator(mode="after")
    def in_order(self) -> Ratio:
        if self.most < self.least:
            raise ValueError(f"ratio {self.name!r}: most {self.most:g} is below least {self.least:g}")
        if not self.of or not self.to:
            raise ValueError(f"ratio {self.name!r}: name the channels of both sides (of, to)")
        return self


class Flight(BaseModel, frozen=True, extra="forbid"):
    """When a channel may be on air, in a plan by period; periods count from 1.

    `dark` periods get nothing; every other period gets `least` to `most`. `on_air` asks for one run of that many
    periods and nothing before or after it; the plan chooses its start.
    """

    dark: tuple[PositiveInt, ...] = ()
    least: NonNegativeFloat = 0.0
    most: float = float("inf")
    on_air: PositiveInt | None = None


class Constraints(BaseModel, frozen=True, extra="forbid"):
    """Limits in money over the whole horizon.

    `bounds` are least and most per channel; `move_limits` the largest relative change of a channel from the current
    mix at the planned budget; `by_evidence` applies the limit of the channel's evidence tier where none is given;
    `fence` keeps spend inside the range that was observed. `geos` are least and most per geo (a plan by geo),
    `flights` and `period_budget` (money of each period, all channels) belong to a plan by period; `period_budget`
    given to another plan is the calendar that every channel's money follows.
    """

    bounds: Mapping[str, tuple[NonNegativeFloat, float]] = Field(default_factory=dict)
    move_limits: Mapping[str, NonNegativeFloat] = Field(default_factory=dict)
    groups: tuple[Group, ...] = ()
    ratios: tuple[Ratio, ...] = ()
    geos: Mapping[str, tuple[NonNegativeFloat, float]] = Field(default_factory=dict)
    flights: Mapping[str, Flight] = Field(default_factory=dict)
    period_budget: tuple[NonNegativeFloat, ...] = ()
    by_evidence: bool = True
    fence: bool = True

    def by_channel(self) -> Constraints:
        """The constraints that apply to a plan by channel: without the limits per geo and period."""
        groups = tuple(g for g in self.groups if not g.geos and not g.periods)
        return self.model_copy(update={"geos": {}, "flights": {}, "groups": groups})

    def per_region(self) -> Constraints:
        """The constraints that apply to a plan by geo. Raises NoPlan where a group names both geos and periods."""
        both = [g.name for g in self.groups if g.geos and g.periods]
        if both:
            raise NoPlan(
                f"group {both[0]!r} names both geos and periods: regions are decided before weeks; write two groups"
            )
        return self.model_copy(update={"flights": {}, "groups": tuple(g for g in self.groups if not g.periods)})

    def per_period(self, money: Mapping[str, tuple[float, float]]) -> Constraints:
        """The constraints on periods, for channels whose `money` is already decided."""
        groups = tuple(g for g in self.groups if g.periods)
        return self.model_copy(
            update={
                "bounds": money,
                "move_limits": {},
                "groups": groups,
                "ratios": (),
                "geos": {},
                "by_evidence": False,
            }
        )


def calendar_of(period_budget: Sequence[float], horizon: int) -> np.ndarray:
    """Each period's share of the money (H,), equal where no amounts are given. Raises NoPlan for a wrong count."""
    if not period_budget:
        return np.full(max(horizon, 0), 1 / max(horizon, 1))
    money = np.asarray(period_budget, dtype=float)
    if money.size != horizon or not money.sum() > 0:
        raise NoPlan(
            f"period_budget has {money.size} amounts for a horizon of {horizon} periods; give one amount per period, at"
            " least one of them above zero"
        )
    return money / money.sum()


def refuse_unknown(label: str, given: Sequence[str], names: Sequence[str], whose: str) -> None:
    """Raises NoPlan naming the first of `given` that is not among `names`."""
    unknown = sorted(set(given) - set(names))
    if unknown:
        raise NoPlan(f"{label} names {unknown[0]!r}; {whose} has {', '.join(names)}")


def check_feasible(
    channels: Sequence[str],
    low: np.ndarray,
    high: np.ndarray,
    groups: Sequence[Group],
    budget: float,
    caps: Sequence[str],
) -> None:
    """Raises NoPlan naming the limits that contradict each other or the budget.

    `caps` says for each channel what limits its spend from above.
    """
    for name, least, most in zip(channels, low, high, strict=True):
        if least > most + 1e-9:
            raise NoPlan(
                f"channel {name!r}: its limits contradict each other (least {least:,.0f}, most {most:,.0f}): compare"
                " its bounds with its move limit"
            )
    if low.sum() > budget * (1 + 1e-9):
        raise NoPlan(
            f"the minimum spends add up to {low.sum():,.0f}, above the budget of {budget:,.0f}: lower a minimum"
        )
    if high.sum() < budget * (1 - 1e-9):
        tight = "; ".join(f"{c} {h:,.0f}, {why}" for c, h, why in zip(channels, high, caps, strict=True))
        raise NoPlan(
            f"the most that may be spent is {high.sum():,.0f}, below the budget of {budget:,.0f} ({tight}). Lower"
            " the budget, or relax a limit (bounds, move_limits, by_evidence, fence)"
        )
    for group in groups:
        refuse_unknown(f"group {group.name!r}", group.channels, channels, "the plan")
        if group.geos or group.periods:
            continue
        inside = np.isin(channels, group.channels) if group.channels else np.ones(len(channels), dtype=bool)
        if low[inside].sum() > group.most or high[inside].sum() < group.least:
            raise NoPlan(
                f"group {group.name!r}: its limits contradict those of its channels (the group {group.least:,.0f} to"
                f" {group.most:,.0f}; its channels together {low[inside].sum():,.0f} to {high[inside].sum():,.0f})"
            )
        if budget - high[~inside].sum() > group.most * (1 + 1e-9) or budget - low[~inside].sum() < group.least * (
            1 - 1e-9
        ):
            raise NoPlan(f"group {group.name!r}: its limits cannot be met with a budget of exactly {budget:,.0f}")
