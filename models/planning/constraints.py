"""What a plan may not do: limits per channel, group, geo and period, checked for contradictions beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import BaseModel, Field, NonNegativeFloat, PositiveInt, model_validator


class Group(BaseModel, frozen=True, extra="forbid"):
    """The sum of some money over the horizon: of these channels, in these geos and periods; nothing named means all.

    Periods count from 1, the first after the data. Geos need a plan by geo, periods one by period.
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

    `dark` periods get nothing; outside them a period gets `least` to `most`. `on_air` asks for one run of so many
    periods and nothing elsewhere; the plan chooses its start.
    """

    dark: tuple[PositiveInt, ...] = ()
    least: NonNegativeFloat = 0.0
    most: float = float("inf")
    on_air: PositiveInt | None = None


class Constraints(BaseModel, frozen=True, extra="forbid"):
    """Limits in money over the whole horizon.

    `bounds` are least and most per channel; `move_limits` the largest share a channel may move from the current mix
    at the planned budget; `by_evidence` applies the limits of the channel's evidence tier where no own one is given;
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
        """What of them a plan by channel can keep: without the limits per geo and period."""
        groups = tuple(g for g in self.groups if not g.geos and not g.periods)
        return self.model_copy(update={"geos": {}, "flights": {}, "groups": groups})

    def per_region(self) -> Constraints:
        """What of them a plan by geo can keep. Raises ValueError where one limit names geos and periods at once."""
        both = [g.name for g in self.groups if g.geos and g.periods]
        if both:
            raise ValueError(
                f"group {both[0]!r} names geos and periods: regions are decided first, then weeks; write two groups"
            )
        return self.model_copy(update={"flights": {}, "groups": tuple(g for g in self.groups if not g.periods)})

    def per_period(self, money: Mapping[str, tuple[float, float]]) -> Constraints:
        """What of them concerns periods, for channels whose `money` is settled."""
        groups = tuple(g for g in self.groups if g.periods)
        return self.model_copy(update={
            "bounds": money, "move_limits": {}, "groups": groups, "ratios": (), "geos": {}, "by_evidence": False,
        })  # fmt: skip


def calendar_of(period_budget: Sequence[float], horizon: int) -> np.ndarray:
    """Share of the money of each period (H,): even where no amounts are given. Raises ValueError on a wrong number."""
    if not period_budget:
        return np.full(max(horizon, 0), 1 / max(horizon, 1))
    money = np.asarray(period_budget, dtype=float)
    if money.size != horizon or not money.sum() > 0:
        raise ValueError(
            f"period_budget has {money.size} amounts, the horizon {horizon} periods; one above zero at least"
        )
    return money / money.sum()


def known(label: str, given: Sequence[str], names: Sequence[str], whose: str) -> None:
    """Raises ValueError naming the first of `given` that is none of `names`."""
    unknown = sorted(set(given) - set(names))
    if unknown:
        raise ValueError(f"{label} names {unknown[0]!r}; {whose} has {', '.join(names)}")


def check_feasible(
    channels: Sequence[str], low: np.ndarray, high: np.ndarray, groups: Sequence[Group], budget: float,
    caps: Sequence[str],
) -> None:  # fmt: skip
    """Raises ValueError naming the limits that contradict each other or the budget; `caps` say what holds each channel
    down.
    """
    for name, least, most in zip(channels, low, high, strict=True):
        if least > most + 1e-9:
            raise ValueError(
                f"channel {name!r}: its limits contradict each other (least {least:,.0f}, most {most:,.0f}): compare"
                " its bounds with its move limit"
            )
    if low.sum() > budget * (1 + 1e-9):
        raise ValueError(
            f"the least spends add up to {low.sum():,.0f}, above the budget of {budget:,.0f}: lower a minimum"
        )
    if high.sum() < budget * (1 - 1e-9):
        tight = "; ".join(f"{c} {h:,.0f}, {why}" for c, h, why in zip(channels, high, caps, strict=True))
        raise ValueError(
            f"the most that may be spent is {high.sum():,.0f}, below the budget of {budget:,.0f} ({tight}). Lower"
            " the budget, or lift a limit (bounds, move_limits, by_evidence, fence)"
        )
    for group in groups:
        known(f"group {group.name!r}", group.channels, channels, "the plan")
        if group.geos or group.periods:
            continue
        inside = np.isin(channels, group.channels) if group.channels else np.ones(len(channels), dtype=bool)
        if low[inside].sum() > group.most or high[inside].sum() < group.least:
            raise ValueError(
                f"group {group.name!r}: its limits contradict those of its channels (the group {group.least:,.0f} to"
                f" {group.most:,.0f}; its channels together {low[inside].sum():,.0f} to {high[inside].sum():,.0f})"
            )
        if budget - high[~inside].sum() > group.most * (1 + 1e-9) or budget - low[~inside].sum() < group.least * (
            1 - 1e-9
        ):
            raise ValueError(f"group {group.name!r}: its limits leave no way to spend exactly {budget:,.0f}")
