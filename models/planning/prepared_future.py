"""What all plans from one fit share, computed once: response curves, baseline, evidence tiers, current mix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date as Date

import numpy as np
import polars as pl

from models.mmm import MMMFit, evidence_tiers
from models.planning.constraints import calendar_of, refuse_unknown
from models.planning.curves import Curves, spend_grid, through
from models.planning.forward_response import Future, look_ahead
from models.planning.grid_search import STEPS, best_steps, refined
from models.planning.limits import MOVE_BY_TIER, Decisions
from models.planning.media_price import Delivery
from models.planning.no_plan import NoPlan
from models.planning.pooling import pooled_levels
from models.planning.price_elasticity import price_readings
from models.warning import Warning

DRAWS = 200  # joint draws behind a plan; its ranges change by a few percent of their width with more


@dataclass(frozen=True, eq=False)
class Evidence:
    """Evidence beyond the fit: joint draws (K,) of each channel's iROAS over the data window, and its evidence tier.

    `levels` replace the model's own iROAS (the combined number already contains it); the curve keeps its shape.
    Channels that are not named keep the fit's own. Without any level, `pooled` shrinks the fit's channels towards
    each other (see `pooling`).
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
    """A prepared future: response curves per channel over the horizon, the baseline (D,) and the current mix (P,).

    `reach` is the largest budget it was prepared for. `combined` says whether levels come from evidence beside the
    fit; `prices` holds the warnings about media prices read from the data.
    """

    future: Future
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
        return self.future.fit.data.channels

    def by_geo(self, most: np.ndarray) -> Curves:
        """Curves of every channel and geo, each up to the channel's maximum."""
        knots, values = [], []
        for c, top in enumerate(most):
            share = self.future.geo_share[c]
            farthest = max(float(top), float((self.future.geo_ceiling[c] / np.maximum(share, 1e-9))[share > 0].max()))
            spends = spend_grid(float(self.future.ceiling[c]), farthest)
            response = self.future.geo_response(c, spends)
            for g, part in enumerate(share):
                knots.append(spends * part if part > 0 else spends)
                values.append(response[:, g] if part > 0 else np.zeros_like(response[:, g]))
        return through(knots, values)

    def own_plans(self, low: np.ndarray, high: np.ndarray, budget: float, curves: Curves | None = None) -> np.ndarray:
        """The best plan of each draw by itself (D, P): the global optimum on a grid, refined by small transfers.

        The grid has steps of 0.5 % of the free money; the last transfers are a thousandth of a step.
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
        plans = np.stack([grid[taken[:, i]] for i, grid in enumerate(grids)], axis=1)
        room = np.maximum(high - plans, 0.0)  # what a whole step no longer fits into
        rest = np.maximum(budget - plans.sum(axis=1), 0.0)
        plans += room * np.minimum(rest / np.maximum(room.sum(axis=1), 1e-12), 1.0)[:, None]
        return refined(curves, plans, low, high, step)

    def response_table(self, shown: Sequence[float] = (), *, points: int = 41) -> pl.DataFrame:
        """Each channel's future response: channel, spend, mean, q05, q95, iroas, mroas, observed_range.

        Spend over the horizon against incremental KPI in money, carry-out included; 90 % parameter interval. Curves
        extend a little beyond the observed range and beyond `shown` (P,), spends that a page marks.
        """
        rows = []
        for c, name in enumerate(self.channels):
            far = max(1.15 * float(self.future.ceiling[c]), 1.3 * float(shown[c]) if len(shown) else 0.0)
            spends = np.linspace(0.0, min(far, float(self.curves.knots[c][-1])), points)
            values = self.curves.at(c, spends)
            low, high = np.quantile(values, [0.05, 0.95], axis=0)
            mean = values.mean(axis=0)
            rows.append(
                pl.DataFrame(
                    {
                        "channel": [name] * points,
                        "spend": spends,
                        "mean": mean,
                        "q05": low,
                        "q95": high,
                        "iroas": mean / np.where(spends > 0, spends, np.nan),
                        "mroas": self.curves.next_unit(c, spends).mean(axis=0),
                        "observed_range": spends <= self.future.ceiling[c] * (1 + 1e-9),
                    }
                )
            )
        return pl.concat(rows)

    def current_of(self, decisions: Decisions, budget: float, calendar: np.ndarray) -> np.ndarray:
        """The current mix at this budget, one amount per decision (n,)."""
        money = self.mix[decisions.channel] * budget
        if decisions.split in ("geo", "geo_period"):
            money = money * self.future.geo_share[decisions.channel, decisions.geo]
        return np.asarray(money * calendar[decisions.period] if decisions.split in ("period", "geo_period") else money)


def prepare(
    fit: MMMFit,
    most: float,
    *,
    horizon: int = 13,
    future_controls: Mapping[str, Sequence[float]] | None = None,
    delivery: Mapping[str, Delivery] | None = None,
    evidence: Evidence | None = None,
    calendar: Sequence[float] = (),
    draws: int = DRAWS,
    after: Date | None = None,
) -> Outlook:
    """The future of `fit` for budgets up to `most`: the periods after its data, or after the later day `after`.

    Every control of the fit needs its declared future. `calendar` is the money of each period (any unit) that all
    channels follow; equal by default. Where the fit has delivery beside money, price rules that `delivery` does not
    declare are estimated from the data. Raises NoPlan for a fit that has not converged or has a blocking warning, an
    undeclared future, or an unknown name.
    """
    blocking = [w for w in fit.findings if w.severity == "block"]
    if blocking or not fit.converged:
        why = "; ".join(f"{w.message} {w.action}" for w in blocking) or "see fit.warnings()"
        raise NoPlan(f"no plan can be made from a fit that {_why(fit)}: {why}")
    if not most > 0:
        raise NoPlan(f"budget={most}: a plan needs a budget above zero")
    evidence = evidence or Evidence()
    refuse_unknown("tiers", list(evidence.tiers), fit.data.channels, "the model")
    levels = evidence.levels or (pooled_levels(fit, draws) if evidence.pooled else {})
    readings = [r for r in price_readings(fit.data) if r.channel not in (delivery or {})]
    rules = {r.channel: r.rule() for r in readings if r.clear} | dict(delivery or {})
    future = look_ahead(
        fit, horizon, delivery=rules, draws=draws, levels=levels, pattern=calendar_of(calendar, horizon), after=after
    )
    base = future.baseline(future_controls or {})
    usual = future.current if future.current.sum() > 0 else fit.data.spend.sum(axis=(0, 1))
    mix = usual / usual.sum()
    knots = [spend_grid(1.5 * max(future.ceiling[c], mix[c] * most), most) for c in range(len(mix))]
    curves = through(knots, [future.channel_response(c, k) for c, k in enumerate(knots)])
    own = dict(evidence_tiers(fit).select("channel", "tier").iter_rows())
    tiers = {c: evidence.tiers.get(c, own[c]) for c in fit.data.channels}
    return Outlook(
        future, curves, base, mix, tiers, float(most), bool(evidence.levels), tuple(r.warning() for r in readings)
    )


def _why(fit: MMMFit) -> str:
    return "has not converged" if not fit.converged else "has a blocking warning"
