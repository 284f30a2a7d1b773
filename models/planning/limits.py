"""Turns constraints, evidence and the observed range into bounds and linear limits on the decisions of one plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from models.planning.constraints import Constraints, Flight, check_feasible, refuse_unknown
from models.planning.forward_response import Future
from models.planning.no_plan import NoPlan
from models.planning.optimise import Sums, feasible
from models.warning import Warning

Split = Literal["channel", "geo", "period", "geo_period"]
MOVE_BY_TIER = {"experiment-validated": None, "model-identified": 0.30, "prior-dominated": 0.15}


@dataclass(frozen=True, eq=False)
class Decisions:
    """What is decided: channel (n,) of each decision, its geo and period (n,), -1 where it has none."""

    split: Split
    channel: np.ndarray
    geo: np.ndarray
    period: np.ndarray

    def by_channel(self, x: np.ndarray) -> np.ndarray:
        """Money per channel (P,)."""
        return np.bincount(self.channel, weights=x)


@dataclass(frozen=True, eq=False)
class Limits:
    """Bounds of each decision (n,), named limits on sums of decisions, bounds per channel (P,), and warnings."""

    low: np.ndarray
    high: np.ndarray
    sums: Mapping[str, Sums]
    channel_low: np.ndarray
    channel_high: np.ndarray
    warnings: tuple[Warning, ...]


def decisions_of(future: Future, split: Split) -> Decisions:
    """One decision per channel, per channel and geo, per channel and period, or per channel, geo and period."""
    channels, geos = len(future.fit.data.channels), len(future.fit.data.geos)
    if split in ("geo", "geo_period") and geos < 2:
        raise NoPlan("a plan by geo needs a model with several geos; this one has a single series")
    places = range(geos) if split in ("geo", "geo_period") else (-1,)
    times = range(future.horizon) if split in ("period", "geo_period") else (-1,)
    every = np.array([(c, g, t) for c in range(channels) for g in places for t in times])
    return Decisions(split, *every.T)


def limits_of(
    future: Future,
    constraints: Constraints,
    decisions: Decisions,
    mix: np.ndarray,
    budget: float,
    tiers: Mapping[str, str],
) -> Limits:
    """All limits of a plan of `budget`; `mix` (n,) is the current mix at this budget.

    Raises NoPlan naming an unknown channel, geo or period, or the limits that contradict each other.
    """
    data = future.fit.data
    for label, given in (
        ("bounds", constraints.bounds),
        ("move_limits", constraints.move_limits),
        ("flights", constraints.flights),
    ):
        refuse_unknown(label, list(given), data.channels, "the plan")
    for ratio in constraints.ratios:
        refuse_unknown(f"ratio {ratio.name!r}", (*ratio.of, *ratio.to), data.channels, "the plan")
    _needs_split(future, constraints, decisions)
    channel_low, channel_high, warnings = _channel_bounds(future, constraints, decisions.by_channel(mix), budget, tiers)
    check_feasible(
        data.channels, channel_low, channel_high, constraints.groups, budget, _caps(future, constraints, channel_high)
    )
    sums = _sums(future, constraints, decisions, budget)
    low, high = channel_low, channel_high
    if decisions.split != "channel":
        for c, name in enumerate(data.channels):
            sums[f"limits of {name}"] = ((decisions.channel == c).astype(float), channel_low[c], channel_high[c])
        low, high = _decision_bounds(future, constraints, decisions, budget)
    limits = Limits(low, high, sums, channel_low, channel_high, warnings)
    if sums and feasible(budget, low, high, list(sums.values()), mix) is None:
        culprits = [
            name
            for name in sums
            if feasible(budget, low, high, [s for n, s in sums.items() if n != name], mix) is not None
        ]
        raise NoPlan(
            f"the limits cannot be met with a budget of exactly {budget:,.0f}: "
            + (
                f"they can be met without {' or without '.join(culprits)}"
                if culprits
                else f"several contradict each other ({', '.join(sums)}); relax them one by one"
            )
        )
    return limits


def _needs_split(future: Future, constraints: Constraints, decisions: Decisions) -> None:
    data = future.fit.data
    if decisions.split != "geo" and (constraints.geos or any(g.geos for g in constraints.groups)):
        raise NoPlan("limits per geo need a plan by geo: split geo, or geo_period")
    if decisions.split != "period" and (constraints.flights or any(g.periods for g in constraints.groups)):
        raise NoPlan("flights and limits per period need a plan by period: split period, or geo_period")
    refuse_unknown("geos", list(constraints.geos), data.geos, "the model")
    for group in constraints.groups:
        refuse_unknown(f"group {group.name!r}", group.channels, data.channels, "the plan")
        refuse_unknown(f"group {group.name!r}", group.geos, data.geos, "the model")
    periods = [p for g in constraints.groups for p in g.periods] + [
        p for f in constraints.flights.values() for p in f.dark
    ]
    if periods and max(periods) > future.horizon:
        raise NoPlan(f"period {max(periods)} is beyond the horizon of {future.horizon} periods")


def _channel_bounds(
    future: Future, constraints: Constraints, mix: np.ndarray, budget: float, tiers: Mapping[str, str]
) -> tuple[np.ndarray, np.ndarray, tuple[Warning, ...]]:
    names = future.fit.data.channels
    low, high = np.zeros(len(names)), np.full(len(names), float(budget))
    warnings = []
    for c, name in enumerate(names):
        least, most = constraints.bounds.get(name, (0.0, float("inf")))
        low[c], high[c] = max(low[c], least), min(high[c], most)
        share = constraints.move_limits.get(name)
        if share is None and constraints.by_evidence:
            share = MOVE_BY_TIER[tiers[name]]
            if share is not None and least <= most and not _meet((least, most), mix[c], share):
                low[c] = high[c] = least if least > mix[c] else most  # the value nearest to what its evidence allows
                warnings.append(_own_limit(name, low[c], mix[c], share, tiers[name]))
                share = None
        if share is not None:
            low[c], high[c] = max(low[c], mix[c] * (1 - share)), min(high[c], mix[c] * (1 + share))
        if constraints.fence and least > future.ceiling[c] * (1 + 1e-9):
            raise NoPlan(
                f"{name} must get at least {least:,.0f}, but the data never contain more than {future.ceiling[c]:,.0f}"
                " over that many periods: lower the minimum, or set fence: false (the curve is extrapolated there)"
            )
        if constraints.fence and high[c] > future.ceiling[c]:
            high[c] = future.ceiling[c]
            low[c] = max(min(low[c], high[c]), least)
            if mix[c] > future.ceiling[c]:
                warnings.append(
                    Warning(
                        "beyond_observed_spend",
                        "medium",
                        name,
                        f"At this budget the current mix would put {name} above the highest spend in the data"
                        f" ({future.ceiling[c]:,.0f} over the horizon); the plan stops there.",
                        f"Raise {name} in steps and measure before planning a higher spend.",
                    )
                )
    return low, high, tuple(warnings)


def _meet(bounds: tuple[float, float], usual: float, share: float) -> bool:
    return bounds[0] <= usual * (1 + share) and bounds[1] >= usual * (1 - share)


def _own_limit(name: str, money: float, usual: float, share: float, tier: str) -> Warning:
    basis = "rests mostly on assumptions" if tier == "prior-dominated" else "was never tested"
    return Warning(
        "limit_beyond_evidence",
        "medium",
        name,
        f"Your limit sets {name} to {money:,.0f}; the current mix would give it {usual:,.0f}. Its number {basis}, so"
        f" without your limit a plan would move it by at most {share:.0%}. Your limit takes precedence.",
        f"Move {name} in steps, or test it first (`plumbline experiment design`).",
    )


def _caps(future: Future, constraints: Constraints, high: np.ndarray) -> tuple[str, ...]:
    """What limits each channel's spend from above, in words."""
    words = []
    for c, name in enumerate(future.fit.data.channels):
        if constraints.fence and high[c] >= future.ceiling[c] * (1 - 1e-9):
            words.append("the highest spend in the data")
        elif high[c] >= constraints.bounds.get(name, (0.0, float("inf")))[1] * (1 - 1e-9):
            words.append("its own limit")
        else:
            words.append("its evidence" if name not in constraints.move_limits else "its own move limit")
    return tuple(words)


def _sums(future: Future, constraints: Constraints, decisions: Decisions, budget: float) -> dict[str, Sums]:
    data, sums = future.fit.data, {}
    for group in constraints.groups:
        inside = np.ones(decisions.channel.size)
        if group.channels:
            inside *= np.isin(np.array(data.channels)[decisions.channel], group.channels)
        if group.geos:
            inside *= np.isin(np.array(data.geos)[decisions.geo], group.geos)
        if group.periods:
            inside *= np.isin(decisions.period + 1, group.periods)
        sums[f"group {group.name!r}"] = (inside, group.least, group.most)
    for ratio in constraints.ratios:
        of = np.isin(np.array(data.channels)[decisions.channel], ratio.of).astype(float)
        to = np.isin(np.array(data.channels)[decisions.channel], ratio.to).astype(float)
        sums[f"ratio {ratio.name!r}, least"] = (of - ratio.least * to, 0.0, float("inf"))
        if np.isfinite(ratio.most):
            sums[f"ratio {ratio.name!r}, most"] = (of - ratio.most * to, -float("inf"), 0.0)
    for geo, (least, most) in constraints.geos.items():
        sums[f"geo {geo!r}"] = ((decisions.geo == data.geos.index(geo)).astype(float), least, most)
    if constraints.period_budget and decisions.split == "period":
        for t, money in enumerate(constraints.period_budget[:-1]):  # the last follows from the total
            share = money / sum(constraints.period_budget) * budget
            sums[f"budget of period {t + 1}"] = ((decisions.period == t).astype(float), share, share)
    return sums


def _decision_bounds(
    future: Future, constraints: Constraints, decisions: Decisions, budget: float
) -> tuple[np.ndarray, np.ndarray]:
    low, high = np.zeros(decisions.channel.size), np.full(decisions.channel.size, float(budget))
    if decisions.split == "geo":
        if constraints.fence:
            high = np.minimum(high, future.geo_ceiling.ravel())
        high[future.geo_share.ravel() <= 0] = 0.0  # never bought there: its price and effect there are unknown
        return low, high
    if constraints.fence:
        high = np.minimum(high, future.highest[decisions.channel])
    for name, flight in constraints.flights.items():
        own = decisions.channel == future.fit.data.channels.index(name)
        dark = own & np.isin(decisions.period + 1, _dark(future, name, flight, budget))
        on = own & ~dark
        low[on], high[on] = flight.least, np.minimum(high[on], flight.most)
        high[dark] = 0.0
        if (low > high + 1e-9).any():
            raise NoPlan(
                f"flight of {name}: the minimum of {flight.least:,.2f} per period is above the maximum of one period"
                f" ({high[on].max() if on.any() else 0:,.2f})"
            )
    return low, high


def _dark(future: Future, name: str, flight: Flight, budget: float) -> tuple[int, ...]:
    """The dark periods; with `on_air`, all except the run that returns most at the channel's current spend."""
    if flight.on_air is None:
        return flight.dark
    c = future.fit.data.channels.index(name)
    money = future.current[c] / max(future.current.sum(), 1e-12) * budget
    runs = [
        range(start, start + flight.on_air)
        for start in range(1, future.horizon - flight.on_air + 2)
        if not set(range(start, start + flight.on_air)) & set(flight.dark)
    ]
    if not runs:
        raise NoPlan(f"flight of {name}: no run of {flight.on_air} periods fits between its dark periods")

    def worth(run: range) -> float:
        spread = np.zeros(future.horizon)
        spread[np.array(run) - 1] = money / flight.on_air
        return float(future.response_of_path(c, spread).sum(axis=1).mean())

    best = max(runs, key=worth)
    return tuple(t for t in range(1, future.horizon + 1) if t not in best)
