"""Constraints, evidence and observed range turned into bounds and sums over the decisions of one plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from models.planning.constraints import Constraints, Flight, check_feasible, known
from models.planning.forward_response import Future
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
    """Bounds of each decision (n,), named sums over decisions, the bounds per channel (P,), and what to tell."""

    low: np.ndarray
    high: np.ndarray
    sums: Mapping[str, Sums]
    channel_low: np.ndarray
    channel_high: np.ndarray
    notes: tuple[Warning, ...]


def decisions_of(ahead: Future, split: Split) -> Decisions:
    """One decision a channel, or one a channel and geo, a channel and period, or all three."""
    channels, geos = len(ahead.fit.data.channels), len(ahead.fit.data.geos)
    if split in ("geo", "geo_period") and geos < 2:
        raise ValueError("a plan by geo needs a model with several geos; this one has a single series")
    places = range(geos) if split in ("geo", "geo_period") else (-1,)
    times = range(ahead.horizon) if split in ("period", "geo_period") else (-1,)
    every = np.array([(c, g, t) for c in range(channels) for g in places for t in times])
    return Decisions(split, *every.T)


def limits_of(
    ahead: Future, wanted: Constraints, what: Decisions, mix: np.ndarray, budget: float, tiers: Mapping[str, str]
) -> Limits:
    """All limits of a plan of `budget`; `mix` (n,) is the current mix at this budget.

    Raises ValueError naming an unknown channel, geo or period, or the limits that contradict each other.
    """
    data = ahead.fit.data
    for label, given in (("bounds", wanted.bounds), ("move_limits", wanted.move_limits), ("flights", wanted.flights)):
        known(label, list(given), data.channels, "the plan")
    for ratio in wanted.ratios:
        known(f"ratio {ratio.name!r}", (*ratio.of, *ratio.to), data.channels, "the plan")
    _needs_split(ahead, wanted, what)
    channel_low, channel_high, notes = _channel_bounds(ahead, wanted, what.by_channel(mix), budget, tiers)
    check_feasible(data.channels, channel_low, channel_high, wanted.groups, budget, _caps(ahead, wanted, channel_high))
    sums = _sums(ahead, wanted, what, budget)
    low, high = channel_low, channel_high
    if what.split != "channel":
        for c, name in enumerate(data.channels):
            sums[f"limits of {name}"] = ((what.channel == c).astype(float), channel_low[c], channel_high[c])
        low, high = _decision_bounds(ahead, wanted, what, budget)
    limits = Limits(low, high, sums, channel_low, channel_high, notes)
    if sums and feasible(budget, low, high, list(sums.values()), mix) is None:
        culprits = [
            name for name in sums
            if feasible(budget, low, high, [s for n, s in sums.items() if n != name], mix) is not None
        ]  # fmt: skip
        raise ValueError(
            f"the limits leave no way to spend exactly {budget:,.0f}: "
            + (f"it would work without {' or without '.join(culprits)}" if culprits else
               f"several contradict each other ({', '.join(sums)}); loosen them one by one")
        )  # fmt: skip
    return limits


def _needs_split(ahead: Future, wanted: Constraints, what: Decisions) -> None:
    data = ahead.fit.data
    if what.split != "geo" and (wanted.geos or any(g.geos for g in wanted.groups)):
        raise ValueError("limits per geo need a plan by geo: split geo, or geo_period")
    if what.split != "period" and (wanted.flights or any(g.periods for g in wanted.groups)):
        raise ValueError("flights and limits per period need a plan by period: split period, or geo_period")
    known("geos", list(wanted.geos), data.geos, "the model")
    for group in wanted.groups:
        known(f"group {group.name!r}", group.channels, data.channels, "the plan")
        known(f"group {group.name!r}", group.geos, data.geos, "the model")
    periods = [p for g in wanted.groups for p in g.periods] + [p for f in wanted.flights.values() for p in f.dark]
    if periods and max(periods) > ahead.horizon:
        raise ValueError(f"period {max(periods)} is beyond the horizon of {ahead.horizon} periods")


def _channel_bounds(
    ahead: Future, wanted: Constraints, mix: np.ndarray, budget: float, tiers: Mapping[str, str]
) -> tuple[np.ndarray, np.ndarray, tuple[Warning, ...]]:
    names = ahead.fit.data.channels
    low, high = np.zeros(len(names)), np.full(len(names), float(budget))
    notes = []
    for c, name in enumerate(names):
        least, most = wanted.bounds.get(name, (0.0, float("inf")))
        low[c], high[c] = max(low[c], least), min(high[c], most)
        share = wanted.move_limits.get(name)
        if share is None and wanted.by_evidence:
            share = MOVE_BY_TIER[tiers[name]]
            if share is not None and least <= most and not _meet((least, most), mix[c], share):
                low[c] = high[c] = least if least > mix[c] else most  # nearest to what its evidence allows
                notes.append(_own_limit(name, low[c], mix[c], share, tiers[name]))
                share = None
        if share is not None:
            low[c], high[c] = max(low[c], mix[c] * (1 - share)), min(high[c], mix[c] * (1 + share))
        if wanted.fence and least > ahead.ceiling[c] * (1 + 1e-9):
            raise ValueError(
                f"{name} shall get at least {least:,.0f}, and the data never saw more than {ahead.ceiling[c]:,.0f} over"
                " such a time: lower that limit, or set fence: false (the curve is a guess out there)"
            )
        if wanted.fence and high[c] > ahead.ceiling[c]:
            high[c] = ahead.ceiling[c]
            low[c] = max(min(low[c], high[c]), least)
            if mix[c] > ahead.ceiling[c]:
                notes.append(Warning(
                    "beyond_observed_spend", "medium", name,
                    f"At this budget {name} would be held above anything seen in the data ({ahead.ceiling[c]:,.0f}"
                    " over the horizon); the plan stops there.",
                    f"Raise {name} in steps and measure, before planning further up.",
                ))  # fmt: skip
    return low, high, tuple(notes)


def _meet(bounds: tuple[float, float], usual: float, share: float) -> bool:
    return bounds[0] <= usual * (1 + share) and bounds[1] >= usual * (1 - share)


def _own_limit(name: str, money: float, usual: float, share: float, tier: str) -> Warning:
    basis = "is mostly assumption" if tier == "prior-dominated" else "was never tested"
    return Warning(
        "limit_beyond_evidence", "medium", name,
        f"Your limit puts {name} at {money:,.0f}; the current mix would give it {usual:,.0f}. Its number {basis}, so by"
        f" itself a plan would move it by {share:.0%} at most. Your limit decides.",
        f"Move {name} in steps, or test it first (`plumbline experiment design`).",
    )  # fmt: skip


def _caps(ahead: Future, wanted: Constraints, high: np.ndarray) -> tuple[str, ...]:
    """What holds each channel down, in words."""
    words = []
    for c, name in enumerate(ahead.fit.data.channels):
        if wanted.fence and high[c] >= ahead.ceiling[c] * (1 - 1e-9):
            words.append("the most seen in the data")
        elif high[c] >= wanted.bounds.get(name, (0.0, float("inf")))[1] * (1 - 1e-9):
            words.append("its own limit")
        else:
            words.append("its evidence" if name not in wanted.move_limits else "its own move limit")
    return tuple(words)


def _sums(ahead: Future, wanted: Constraints, what: Decisions, budget: float) -> dict[str, Sums]:
    data, sums = ahead.fit.data, {}
    for group in wanted.groups:
        inside = np.ones(what.channel.size)
        if group.channels:
            inside *= np.isin(np.array(data.channels)[what.channel], group.channels)
        if group.geos:
            inside *= np.isin(np.array(data.geos)[what.geo], group.geos)
        if group.periods:
            inside *= np.isin(what.period + 1, group.periods)
        sums[f"group {group.name!r}"] = (inside, group.least, group.most)
    for ratio in wanted.ratios:
        of = np.isin(np.array(data.channels)[what.channel], ratio.of).astype(float)
        to = np.isin(np.array(data.channels)[what.channel], ratio.to).astype(float)
        sums[f"ratio {ratio.name!r}, least"] = (of - ratio.least * to, 0.0, float("inf"))
        if np.isfinite(ratio.most):
            sums[f"ratio {ratio.name!r}, most"] = (of - ratio.most * to, -float("inf"), 0.0)
    for geo, (least, most) in wanted.geos.items():
        sums[f"geo {geo!r}"] = ((what.geo == data.geos.index(geo)).astype(float), least, most)
    if wanted.period_budget and what.split == "period":
        for t, money in enumerate(wanted.period_budget[:-1]):  # the last follows from the total
            share = money / sum(wanted.period_budget) * budget
            sums[f"budget of period {t + 1}"] = ((what.period == t).astype(float), share, share)
    return sums


def _decision_bounds(
    ahead: Future, wanted: Constraints, what: Decisions, budget: float
) -> tuple[np.ndarray, np.ndarray]:
    low, high = np.zeros(what.channel.size), np.full(what.channel.size, float(budget))
    if what.split == "geo":
        if wanted.fence:
            high = np.minimum(high, ahead.geo_ceiling.ravel())
        high[ahead.geo_share.ravel() <= 0] = 0.0  # never bought there: nothing is known of its price or effect
        return low, high
    if wanted.fence:
        high = np.minimum(high, ahead.highest[what.channel])
    for name, flight in wanted.flights.items():
        own = what.channel == ahead.fit.data.channels.index(name)
        dark = own & np.isin(what.period + 1, _dark(ahead, name, flight, budget))
        on = own & ~dark
        low[on], high[on] = flight.least, np.minimum(high[on], flight.most)
        high[dark] = 0.0
        if (low > high + 1e-9).any():
            raise ValueError(
                f"flight of {name}: least {flight.least:,.2f} a period is above the most that may be spent in one"
                f" ({high[on].max() if on.any() else 0:,.2f})"
            )
    return low, high


def _dark(ahead: Future, name: str, flight: Flight, budget: float) -> tuple[int, ...]:
    """The dark periods; with `on_air` all but the run that brings most at the channel's current spend."""
    if flight.on_air is None:
        return flight.dark
    c = ahead.fit.data.channels.index(name)
    money = ahead.current[c] / max(ahead.current.sum(), 1e-12) * budget
    runs = [
        range(start, start + flight.on_air)
        for start in range(1, ahead.horizon - flight.on_air + 2)
        if not set(range(start, start + flight.on_air)) & set(flight.dark)
    ]
    if not runs:
        raise ValueError(f"flight of {name}: no run of {flight.on_air} periods fits between its dark periods")

    def worth(run: range) -> float:
        spread = np.zeros(ahead.horizon)
        spread[np.array(run) - 1] = money / flight.on_air
        return float(ahead.response_of_path(c, spread).sum(axis=1).mean())

    best = max(runs, key=worth)
    return tuple(t for t in range(1, ahead.horizon + 1) if t not in best)
