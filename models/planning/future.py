"""What media spent after the data's end would bring, with carry-in from before and carry-out after the horizon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date as Date
from datetime import timedelta

import numpy as np
from pydantic import BaseModel, PositiveFloat

from models.mmm import MMMData, MMMFit
from models.mmm.baseline import build
from models.mmm.design import Form, with_hidden_demand
from models.mmm.posterior import Posterior, linear_sums, media_sums


class Delivery(BaseModel, frozen=True, extra="forbid"):
    """How much media money buys: delivery grows with spend to the power `exponent`, equal to today's price at
    today's spend.

    1 means a constant price; below 1 the price rises with spend, which is what auctions do.
    """

    exponent: PositiveFloat = 1.0


@dataclass(frozen=True, eq=False)
class Future:
    """Even spending over `horizon` periods after the last date; everything per draw.

    current (P,) is what the last `horizon` periods cost; ceiling (P,) the even spend whose carried-over level was
    seen before.
    """

    fit: MMMFit
    draws: Posterior
    horizon: int
    current: np.ndarray
    ceiling: np.ndarray
    delivery: Mapping[str, Delivery]

    def channel_response(self, c: int, spends: Sequence[float] | np.ndarray) -> np.ndarray:
        """Incremental KPI in money (D, len(spends)) of one channel's even spend over the horizon, carry-out
        included.
        """
        design = self.fit.design
        single = replace(design, media=design.media[c : c + 1], form=self._form(c), data=_only(self.fit, c))
        draws = _one(self.draws, c)
        nothing = media_sums(single, draws, self._path(c, 0.0)[None], self._labels(), 1)[:, 0, 0]
        values = [
            media_sums(single, draws, self._path(c, s)[None], self._labels(), 1)[:, 0, 0] - nothing for s in spends
        ]
        return np.stack(values, axis=1) * self.fit.data.money_per_kpi

    def baseline(self, controls: Mapping[str, Sequence[float]]) -> np.ndarray:
        """KPI in money (D,) without new media over the horizon, under the declared future of every control."""
        data = self.fit.data
        names = data.control_names + data.treatment_names
        missing = [n for n in names if n not in controls]
        if missing:
            raise ValueError(
                f"the future of {', '.join(missing)} is not declared: the model was fitted with it, and taking it as"
                " zero would"
                f" be a guess. Give {self.horizon} values for each in future_controls"
            )
        unknown = sorted(set(controls) - set(names))
        if unknown:
            raise ValueError(f"future_controls names {unknown[0]!r}; the model has {', '.join(names) or 'no controls'}")
        geos = len(data.geos)
        cube = np.empty((geos, self.horizon, len(names)))
        for k, name in enumerate(names):
            values = np.asarray(controls[name], dtype=float)
            if values.size != self.horizon or not np.isfinite(values).all():
                raise ValueError(
                    f"future_controls[{name!r}] has {values.size} values, the horizon {self.horizon} periods"
                )
            cube[:, :, k] = values
        ahead = replace(
            data, dates=next_dates(self.fit, self.horizon), kpi=np.zeros((geos, self.horizon)),
            controls=cube[:, :, : len(data.control_names)], treatments=cube[:, :, len(data.control_names) :],
        )  # fmt: skip
        design = self.fit.design
        columns = build(ahead, self.fit.spec, design.scales.baseline)
        quiet = np.zeros((len(data.media_names), geos, self.horizon))  # hidden demand is expected at its average
        columns = with_hidden_demand(columns, quiet, data.media_names, design.form, design.scales)
        later = replace(self.fit.design, data=ahead, baseline=columns)
        labels = np.zeros((geos, self.horizon), dtype=np.int64)
        return np.asarray(linear_sums(later, self.draws, labels, 1)[1][:, 0].sum(axis=1) * data.money_per_kpi)

    def _path(self, c: int, spend: float) -> np.ndarray:
        """Scaled media (G, L + H + L): history, the plan, silence."""
        design, data = self.fit.design, self.fit.data
        taps = design.form.taps
        history = design.media[c][:, -taps:]
        recent = slice(-min(52, len(data.dates)), None)
        split = data.spend[:, recent, c].sum(axis=1)
        split = split / split.sum() if split.sum() > 0 else data.spend[:, :, c].sum(axis=1) / data.spend[:, :, c].sum()
        size = design.scales.size
        volume = (design.media[c] * size[:, None]).sum() / data.spend[:, :, c].sum()
        exponent = self.delivery.get(data.channels[c], Delivery()).exponent
        usual = max(float(self.current[c]), 1e-12)
        bought = spend * (spend / usual) ** (exponent - 1) if spend > 0 else 0.0
        level = bought / self.horizon * volume * split / size
        plan = np.repeat(level[:, None], self.horizon, axis=1)
        return np.hstack([history, plan, np.zeros((len(size), taps))])

    def _labels(self) -> np.ndarray:
        taps, geos = self.fit.design.form.taps, len(self.fit.data.geos)
        history = min(taps, len(self.fit.data.dates))
        row = np.concatenate([np.full(history, -1), np.zeros(self.horizon + taps)]).astype(np.int64)
        return np.repeat(row[None, :], geos, axis=0)

    def _form(self, c: int) -> Form:
        form, name = self.fit.design.form, (self.fit.data.channels[c],)
        delayed = name if self.fit.design.delayed[c] else ()
        sloped = name if self.fit.design.sloped[c] else ()
        return replace(form, delayed=delayed, sloped=sloped)


def look_ahead(fit: MMMFit, horizon: int, *, delivery: Mapping[str, Delivery], draws: int = 200) -> Future:
    """The future after the last date of the fit; `draws` joint draws carry its uncertainty."""
    if horizon < 1:
        raise ValueError(f"horizon={horizon}: a plan covers at least one period")
    unknown = sorted(set(delivery) - set(fit.data.channels))
    if unknown:
        raise ValueError(f"delivery names {unknown[0]!r}; the model has {', '.join(fit.data.channels)}")
    data, design = fit.data, fit.design
    seen = min(horizon, len(data.dates))
    current = data.spend[:, -seen:].sum(axis=(0, 1)) * horizon / seen
    ceiling = np.empty(len(data.channels))
    for c in range(len(data.channels)):
        half_life = float(np.median(fit.draws.half_life[:, c]))
        weights = 0.5 ** (np.arange(design.form.taps) / half_life)
        weights /= weights.sum()
        level = np.array([np.convolve(row, weights)[: row.size] for row in data.spend[:, :, c]]).sum(axis=0)
        ceiling[c] = level.max() * horizon
    return Future(fit, fit.draws.thin(draws), horizon, current, ceiling, delivery)


def next_dates(fit: MMMFit, horizon: int) -> tuple[Date, ...]:
    """The periods after the last one of the data."""
    last, grain = fit.data.dates[-1], fit.data.grain
    if grain == "month":
        months = [last.year * 12 + last.month - 1 + k for k in range(1, horizon + 1)]
        return tuple(Date(m // 12, m % 12 + 1, 1) for m in months)
    step = 1 if grain == "day" else 7
    return tuple(last + timedelta(days=step * k) for k in range(1, horizon + 1))


def _one(draws: Posterior, c: int) -> Posterior:
    fields = ("half_life", "shape", "half_saturation", "slope", "effect", "beta", "beta_geo")
    return replace(draws, **{f: getattr(draws, f)[:, c : c + 1] for f in fields})


def _only(fit: MMMFit, c: int) -> MMMData:
    data = fit.data
    return replace(data, channels=(data.channels[c],), organic=(), media=data.media[:, :, c : c + 1])
