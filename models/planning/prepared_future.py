"""Everything about the future of one fit that plans have in common, computed once: curves, baseline, tiers, mix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from models.mmm import MMMFit, evidence_tiers
from models.planning.constraints import calendar_of, known
from models.planning.curves import Curves, spends_to_look_at, through
from models.planning.forward_response import Future, look_ahead
from models.planning.grid_search import STEPS, best_steps, closed_in
from models.planning.limits import MOVE_BY_TIER, Decisions
from models.planning.media_price import Delivery
from models.planning.pooling import pooled_levels
from models.planning.price_elasticity import price_readings
from models.warning import Warning

DRAWS = 200  # joint draws behind a plan; its ranges change by a few percent of their width with more


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known beyond the fit: joint draws (K,) of a channel's window iROAS, and its evidence tier.

    `levels` replace the model's own iROAS (the combined number already holds the model's); the curve keeps its shape.
    Channels not named keep what the fit says. Without any level, `pooled` reads the fit's channels together (see
    `pooling`).
    """

    levels: Mapping[str, np.ndarray] = field(default_factory=dict)
    tiers: Mapping[str, str] = field(default_factory=dict)
    pooled: bool = True

    def __post_init__(self) -> None:
        wrong = sorted(set(self.tiers.values()) - set(MOVE_BY_TIER))
        if wrong:
            raise ValueError(f"tier {wrong[0]!r} is unknown: one of {', '.join(MOVE_BY_TIER)}")


@dataclass(frozen=True, eq=False)
class Outlook:
    """A prepared future: per channel curves over the horizon, the baseline (D,), the current mix (P,), shares, and
    whether the levels are `combined` ones, from other evidence beside the fit; `prices` is what was read of them.
    """

    ahead: Future
    curves: Curves
    baseline: np.ndarray
    mix: np.ndarray
    tiers: Mapping[str, str]
    reach: float
    combined: bool = False
    prices: tuple[Warning, ...] = ()

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the paid channels, in the order of every array."""
        return self.ahead.fit.data.channels

    def by_geo(self, most: np.ndarray) -> Curves:
        """Curves of every channel and geo, each up to what the channel may get."""
        knots, values = [], []
        for c, top in enumerate(most):
            share = self.ahead.geo_share[c]
            wanted = max(float(top), float((self.ahead.geo_ceiling[c] / np.maximum(share, 1e-9))[share > 0].max()))
            spends = spends_to_look_at(float(self.ahead.ceiling[c]), wanted)
            response = self.ahead.geo_response(c, spends)
            for g, part in enumerate(share):
                knots.append(spends * part if part > 0 else spends)
                values.append(response[:, g] if part > 0 else np.zeros_like(response[:, g]))
        return through(knots, values)

    def own_plans(self, low: np.ndarray, high: np.ndarray, budget: float, curves: Curves | None = None) -> np.ndarray:
        """The best plan of each draw by itself (D, P): a global answer on a grid, then closed in on by small transfers.

        The grid has steps of half a percent of the free money, the transfers end at a thousandth of that.
        """
        curves = curves or self.curves
        step = (budget - low.sum()) / STEPS
        if step <= budget * 1e-9:
            return np.repeat(low[None, :], curves.count, axis=0)
        values, grids = [], []
        for i, (least, most) in enumerate(zip(low, high, strict=True)):
            count = int(np.clip((most - least) / step + 1e-9, 0, STEPS))
            grids.append(least + step * np.arange(count + 1))
            values.append(curves.at(i, grids[-1]))
        taken = best_steps(values)
        found = np.stack([grid[taken[:, i]] for i, grid in enumerate(grids)], axis=1)
        room = np.maximum(high - found, 0.0)  # the last bit of each decision is smaller than a step
        rest = np.maximum(budget - found.sum(axis=1), 0.0)
        found += room * np.minimum(rest / np.maximum(room.sum(axis=1), 1e-12), 1.0)[:, None]
        return closed_in(curves, found, low, high, step)

    def response_table(self, shown: Sequence[float] = (), *, points: int = 41) -> pl.DataFrame:
        """Each channel's future response: channel, spend, mean, q05, q95, iroas, mroas, observed_range.

        Money over the horizon in, incremental KPI in money out, carry-out included; 90 % parameter interval. Each goes
        a little beyond what was observed, and beyond `shown` (P,), money that a reader will look for.
        """
        rows = []
        for c, name in enumerate(self.channels):
            far = max(1.15 * float(self.ahead.ceiling[c]), 1.3 * float(shown[c]) if len(shown) else 0.0)
            spends = np.linspace(0.0, min(far, float(self.curves.knots[c][-1])), points)
            values = self.curves.at(c, spends)
            low, high = np.quantile(values, [0.05, 0.95], axis=0)
            mean = values.mean(axis=0)
            rows.append(pl.DataFrame({
                "channel": [name] * points, "spend": spends, "mean": mean, "q05": low, "q95": high,
                "iroas": mean / np.where(spends > 0, spends, np.nan),
                "mroas": self.curves.next_unit(c, spends).mean(axis=0),
                "observed_range": spends <= self.ahead.ceiling[c] * (1 + 1e-9),
            }))  # fmt: skip
        return pl.concat(rows)

    def current_of(self, what: Decisions, budget: float, calendar: np.ndarray) -> np.ndarray:
        """The current mix (n,) at this budget, in the plan's decisions."""
        money = self.mix[what.channel] * budget
        if what.split in ("geo", "geo_period"):
            money = money * self.ahead.geo_share[what.channel, what.geo]
        return np.asarray(money * calendar[what.period] if what.split in ("period", "geo_period") else money)


def prepare(
    fit: MMMFit, most: float, *, horizon: int = 13, future_controls: Mapping[str, Sequence[float]] | None = None,
    delivery: Mapping[str, Delivery] | None = None, evidence: Evidence | None = None,
    calendar: Sequence[float] = (), draws: int = DRAWS,
) -> Outlook:  # fmt: skip
    """The future of `fit` for budgets up to `most`.

    Every control of the fit needs its declared future. `calendar` is the money of each period (any unit) that all
    channels follow; even by default. Where the fit knows delivery beside money, `delivery` that is not declared is read
    from the data. Raises ValueError for a fit that has not converged or carries a blocking finding, an undeclared
    future, or an unknown name.
    """
    blocking = [w for w in fit.findings if w.severity == "block"]
    if blocking or not fit.converged:
        why = "; ".join(f"{w.message} {w.action}" for w in blocking) or "see fit.warnings()"
        raise ValueError(f"no plan is made from a fit that {_why(fit)}: {why}")
    if not most > 0:
        raise ValueError(f"budget={most}: a plan needs money")
    told = evidence or Evidence()
    known("tiers", list(told.tiers), fit.data.channels, "the model")
    levels = told.levels or (pooled_levels(fit, draws) if told.pooled else {})
    read = [r for r in price_readings(fit.data) if r.channel not in (delivery or {})]
    rules = {r.channel: r.rule() for r in read if r.clear} | dict(delivery or {})
    ahead = look_ahead(fit, horizon, delivery=rules, draws=draws, levels=levels, pattern=calendar_of(calendar, horizon))
    base = ahead.baseline(future_controls or {})
    usual = ahead.current if ahead.current.sum() > 0 else fit.data.spend.sum(axis=(0, 1))
    mix = usual / usual.sum()
    knots = [spends_to_look_at(1.5 * max(ahead.ceiling[c], mix[c] * most), most) for c in range(len(mix))]
    curves = through(knots, [ahead.channel_response(c, k) for c, k in enumerate(knots)])
    own = dict(evidence_tiers(fit).select("channel", "tier").iter_rows())
    tiers = {c: told.tiers.get(c, own[c]) for c in fit.data.channels}
    return Outlook(ahead, curves, base, mix, tiers, float(most), bool(told.levels), tuple(r.told() for r in read))


def _why(fit: MMMFit) -> str:
    return "has not converged" if not fit.converged else "carries a blocking finding"
