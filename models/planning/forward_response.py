"""Response to media after the end of the data, with carry-in from before and carry-out after the horizon.

The only module of planning that reads the inside of a fit; all others work on draws and money.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date as Date
from datetime import timedelta

import numpy as np

from models.mmm import MMMData, MMMFit
from models.mmm.model.baseline import build
from models.mmm.model.build import with_hidden_demand
from models.mmm.model.design import Design, Form
from models.mmm.model.response import carryover_weights
from models.mmm.result.contributions import linear_sums, media_sums
from models.mmm.result.posterior import Posterior
from models.planning.media_price import Delivery
from models.planning.no_plan import NoPlan

YEAR = {"day": 365, "week": 52, "month": 12}


@dataclass(frozen=True, eq=False)
class Future:
    """The `horizon` periods of a plan, with the joint draws of a fit; `gap` periods lie between its data and the plan.

    current (P,) is the spend of the last `horizon` periods; ceiling (P,) the largest even spend over the horizon whose
    carried-over level occurs in the data, geo_ceiling (P, G) the same per geo; highest (P,) the largest spend of one
    period; geo_share (P, G) each geo's share of last year's spend; pattern (H,) each period's share of every channel's
    money. In the gap, media is assumed to have continued at the current spend. `moved` (D,) is the KPI in money per
    period that other evidence shifts from media to the baseline.
    """

    fit: MMMFit
    draws: Posterior
    horizon: int
    current: np.ndarray
    ceiling: np.ndarray
    geo_ceiling: np.ndarray
    highest: np.ndarray
    geo_share: np.ndarray
    pattern: np.ndarray
    delivery: Mapping[str, Delivery]
    moved: np.ndarray
    gap: int = 0

    @property
    def dates(self) -> tuple[Date, ...]:
        """First day of each period of the plan."""
        return next_dates(self.fit, self.horizon, self.gap)

    def channel_response(self, c: int, spends: Sequence[float] | np.ndarray) -> np.ndarray:
        """Incremental KPI in money (D, len(spends)) of one channel's spend over the horizon, carry-out included."""
        return self.geo_response(c, spends).sum(axis=1)

    def geo_response(self, c: int, spends: Sequence[float] | np.ndarray) -> np.ndarray:
        """The same by geo (D, G, len(spends)), each geo having its usual share of the spend."""
        silent = self._kpi_of_path(c, np.zeros(self.horizon))
        both = np.stack([self._kpi_of_path(c, float(s) * self.pattern) - silent for s in np.asarray(spends)], axis=2)
        geos = len(self.fit.data.geos)
        return np.asarray(both[:, :geos] + both[:, geos:])

    def response_of_path(self, c: int, money: np.ndarray) -> np.ndarray:
        """Incremental KPI in money (D, G) of one channel's money by period (H,), or by geo and period (G, H)."""
        within, after = self.response_in_time(c, money)
        return within + after

    def response_in_time(self, c: int, money: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The same in two parts (D, G): what arrives within the horizon, and what its carryover brings after it."""
        both = self._kpi_of_path(c, money) - self._kpi_of_path(c, np.zeros(self.horizon))
        geos = len(self.fit.data.geos)
        return both[:, :geos], both[:, geos:]

    def baseline(self, controls: Mapping[str, Sequence[float]]) -> np.ndarray:
        """KPI in money (D,) without new media over the horizon, under the declared future of every control.

        Each control has one value per period, or one row of values per geo (G, H). Raises NoPlan naming what is
        missing: an undeclared control is never assumed to be zero.
        """
        data = self.fit.data
        names = data.control_names + data.treatment_names
        missing = [n for n in names if n not in controls]
        if missing:
            raise NoPlan(
                f"the future of {', '.join(missing)} is not declared: the model was fitted with it, and zero would be"
                f" a guess. Give {self.horizon} values for each in future_controls"
            )
        unknown = sorted(set(controls) - set(names))
        if unknown:
            raise NoPlan(f"future_controls names {unknown[0]!r}; the model has {', '.join(names) or 'no controls'}")
        geos = len(data.geos)
        cube = np.empty((geos, self.horizon, len(names)))
        for k, name in enumerate(names):
            values = np.asarray(controls[name], dtype=float)
            if values.shape not in ((self.horizon,), (geos, self.horizon)):
                raise NoPlan(f"future_controls[{name!r}] has {values.size} values, the horizon {self.horizon} periods")
            if not np.isfinite(values).all():
                raise NoPlan(f"future_controls[{name!r}] holds a value that is not a number: declare every period")
            cube[:, :, k] = values
        future_data = replace(
            data,
            dates=self.dates,
            kpi=np.zeros((geos, self.horizon)),
            controls=cube[:, :, : len(data.control_names)],
            treatments=cube[:, :, len(data.control_names) :],
        )
        design = self.fit.design
        columns = build(future_data, self.fit.spec, design.scales.baseline)
        quiet = np.zeros((len(data.media_names), geos, self.horizon))  # hidden demand is expected at its average
        columns = with_hidden_demand(columns, quiet, data.media_names, design.form, design.scales)
        later = replace(self.fit.design, data=future_data, baseline=columns)
        labels = np.zeros((geos, self.horizon), dtype=np.int64)
        own = linear_sums(later, _plain(self.draws), labels, 1)[1][:, 0].sum(axis=1) * data.money_per_kpi
        return np.asarray(own + (self.moved + self._mediators()) * self.horizon)

    def _mediators(self) -> np.ndarray:
        """KPI in money per period (D,) that mediators bring without media: expected to continue as in the data."""
        if self.draws.mediated is None:
            return np.zeros(self.draws.count)
        labels = np.zeros(self.fit.design.y.shape, dtype=np.int64)
        with_them, without = (
            linear_sums(self.fit.design, draws, labels, 1)[1][:, 0].sum(axis=1)
            for draws in (self.draws, _plain(self.draws))
        )
        return np.asarray((with_them - without) * self.fit.data.money_per_kpi / len(self.fit.data.dates))

    def media_path(self, c: int, money: np.ndarray) -> np.ndarray:
        """Scaled media (G, L + H + L): history with the gap, the plan's money as delivery, then the current spend.

        Media continues after the horizon: without it the last periods would look best, as nothing would saturate them.
        """
        design, share = self.fit.design, self.geo_share[c]
        taps, usual = design.form.taps, self.usual(c) * share
        by_geo = money if money.ndim == 2 else money[None, :] * share[:, None]
        multiple = by_geo / np.where(usual > 0, usual, np.inf)[:, None]
        plan = self.rule(c).bought(multiple) * self.usual(c) * self.media_per_money(c)[:, None]
        after = float(self.current[c]) / self.horizon * self.media_per_money(c)
        history = np.hstack([design.media[c], np.repeat(after[:, None], self.gap, axis=1)])
        return np.hstack([history[:, -taps:], plan, np.repeat(after[:, None], taps, axis=1)])

    def rule(self, c: int) -> Delivery:
        """How this channel's money becomes delivery."""
        return self.delivery.get(self.fit.data.channels[c], Delivery())

    def usual(self, c: int) -> float:
        """Money of one usual period: the recent average, or the average of all data if the channel is paused now."""
        recent = float(self.current[c]) / self.horizon
        return recent if recent > 0 else float(self.fit.data.spend[:, :, c].sum()) / len(self.fit.data.dates)

    def media_per_money(self, c: int) -> np.ndarray:
        """Scaled media per geo (G,) that one unit of money buys at today's price."""
        design, data = self.fit.design, self.fit.data
        size = design.scales.size
        volume = (design.media[c] * size[:, None]).sum() / data.spend[:, :, c].sum()
        return np.asarray(volume * self.geo_share[c] / size)

    def _kpi_of_path(self, c: int, money: np.ndarray) -> np.ndarray:
        design, geos, path = self.fit.design, len(self.fit.data.geos), self.media_path(c, money)
        single = replace(
            design,
            media=design.media[c : c + 1],
            form=self._form(c),
            data=_only(self.fit, c),
            latent=(),
            mediators=None,
            frequency=self._frequency(c, path.shape[1]),
        )
        sums = media_sums(single, _one(self.draws, c), path[None], self._labels(), 2 * geos)
        return np.asarray(sums[:, :, 0] * self.fit.data.money_per_kpi)

    def _labels(self) -> np.ndarray:
        """Cells (G, L + H + L): -1 before the plan, the geo's number within the horizon, G more after it."""
        taps, geos = self.fit.design.form.taps, len(self.fit.data.geos)
        history = min(taps, len(self.fit.data.dates) + self.gap)
        period = np.arange(history + self.horizon + taps) - history
        part = np.where(period < self.horizon, 0, geos)
        return np.where(period[None, :] >= 0, np.arange(geos)[:, None] + part[None, :], -1).astype(np.int64)

    def _frequency(self, c: int, length: int) -> np.ndarray | None:
        """Exposures per person reached (1, G, length): as observed, then as in the last periods that had any."""
        often = self.fit.design.frequency
        if often is None:
            return None
        usual = np.array([row[row > 0][-self.horizon :].mean() if (row > 0).any() else 1.0 for row in often[c]])
        after_data = self.gap + self.horizon + self.fit.design.form.taps
        path = np.hstack([often[c], np.repeat(usual[:, None], after_data, axis=1)])
        return np.asarray(path[None, :, -length:])

    def _form(self, c: int) -> Form:
        form, name = self.fit.design.form, (self.fit.data.channels[c],)
        delayed = name if self.fit.design.delayed[c] else ()
        sloped = name if self.fit.design.sloped[c] else ()
        return replace(form, delayed=delayed, sloped=sloped)


def look_ahead(
    fit: MMMFit,
    horizon: int,
    *,
    delivery: Mapping[str, Delivery],
    draws: int = 200,
    levels: Mapping[str, np.ndarray] | None = None,
    pattern: np.ndarray | None = None,
    after: Date | None = None,
) -> Future:
    """The future after the last date of the fit, or after the later day `after`; `draws` draws carry its uncertainty.

    `levels` are joint draws of a channel's iROAS over the data window that replace the model's own (the combined
    number); the curve keeps its shape. `pattern` (H,) is each period's share of the money, equal by default.
    """
    if horizon < 1:
        raise NoPlan(f"horizon={horizon}: a plan covers at least one period")
    unknown = sorted((set(delivery) | set(levels or {})) - set(fit.data.channels))
    if unknown:
        raise NoPlan(f"delivery or levels name {unknown[0]!r}; the model has {', '.join(fit.data.channels)}")
    for name, rule in delivery.items():
        if rule.price and len(rule.price) != horizon:
            raise NoPlan(f"delivery[{name!r}] has {len(rule.price)} prices, the horizon {horizon} periods")
    data, design = fit.data, fit.design
    seen = min(horizon, len(data.dates))
    current = data.spend[:, -seen:].sum(axis=(0, 1)) * horizon / seen
    recent = data.spend[:, -YEAR[data.grain] :].sum(axis=1).T
    all_spend = data.spend.sum(axis=1).T
    base = np.where(recent.sum(axis=1, keepdims=True) > 0, recent, all_spend)
    ceiling, geo_ceiling = np.empty(len(data.channels)), np.empty((len(data.channels), len(data.geos)))
    for c in range(len(data.channels)):
        weights = np.median(weights_of(design, fit.draws.thin(draws), c), axis=0)
        weights /= weights.sum()
        level = np.array([np.convolve(row, weights)[: row.size] for row in data.spend[:, :, c]])
        ceiling[c], geo_ceiling[c] = level.sum(axis=0).max() * horizon, level.max(axis=1) * horizon
    draws_at_levels, moved = _at_levels(fit, fit.draws.thin(draws), levels or {})
    even = np.full(horizon, 1 / horizon) if pattern is None else pattern
    return Future(
        fit,
        draws_at_levels,
        horizon,
        current,
        ceiling,
        geo_ceiling,
        data.spend.sum(axis=0).max(axis=0),
        base / base.sum(axis=1, keepdims=True),
        even,
        delivery,
        moved,
        periods_until(fit, after),
    )


def weights_of(design: Design, draws: Posterior, c: int) -> np.ndarray:
    """Share of one channel's effect by lag and draw (D, L)."""
    kind = "delayed" if design.peaked[c] else "weibull"  # geometric is Weibull with shape 1
    return carryover_weights(kind, draws.half_life[:, c], draws.shape[:, c], design.form.taps)


def next_dates(fit: MMMFit, horizon: int, gap: int = 0) -> tuple[Date, ...]:
    """First days of the `horizon` periods that follow the last one of the data and `gap` further ones."""
    last, grain = fit.data.dates[-1], fit.data.grain
    steps = range(gap + 1, gap + horizon + 1)
    if grain == "month":
        months = [last.year * 12 + last.month - 1 + k for k in steps]
        return tuple(Date(m // 12, m % 12 + 1, 1) for m in months)
    step = 1 if grain == "day" else 7
    return tuple(last + timedelta(days=step * k) for k in steps)


def periods_until(fit: MMMFit, after: Date | None) -> int:
    """Periods that follow the data and begin on or before the day `after`: too late to plan; 0 without that day."""
    gap = 0
    while after is not None and next_dates(fit, 1, gap)[0] <= after:
        gap += 1
    return gap


def _at_levels(fit: MMMFit, draws: Posterior, levels: Mapping[str, np.ndarray]) -> tuple[Posterior, np.ndarray]:
    """The draws with each channel's effect scaled to the given window iROAS, and the KPI that this shifts."""
    if not levels:
        return draws, np.zeros(draws.count)
    data, design = fit.data, fit.design
    whole = np.zeros(design.y.shape, dtype=np.int64)
    own = media_sums(design, draws, design.media, whole, 1)[:, 0] * data.money_per_kpi
    factor = np.ones_like(own)
    for name, values in levels.items():
        c = data.channels.index(name)
        given = np.asarray(values, dtype=float)
        given = given[np.linspace(0, given.size - 1, draws.count).round().astype(int)]
        near_zero = np.abs(own[:, c]) < 1e-9 * max(float(np.abs(own[:, c]).max()), 1e-12)
        factor[:, c] = given * data.spend[:, :, c].sum() / np.where(near_zero, np.inf, own[:, c])
    scaled = replace(draws, beta=draws.beta * factor, beta_geo=draws.beta_geo * factor[:, :, None])
    return scaled, (own * (1 - factor)).sum(axis=1) / len(data.dates)


def _one(draws: Posterior, c: int) -> Posterior:
    fields = ("half_life", "shape", "half_saturation", "slope", "effect", "beta", "beta_geo")
    return replace(_plain(draws), **{f: getattr(draws, f)[:, c : c + 1] for f in fields})


def _plain(draws: Posterior) -> Posterior:
    """The draws without parameters of the data's own periods: latent values of measured series, and mediators."""
    return replace(draws, latent=None, passed_on=None, mediated=None)


def _only(fit: MMMFit, c: int) -> MMMData:
    data = fit.data
    often = None if data.frequency is None else data.frequency[:, :, c : c + 1]
    return replace(data, channels=(data.channels[c],), organic=(), media=data.media[:, :, c : c + 1], frequency=often)
