"""Lift tests in the likelihood: each is compared with the model's own lift over the test's window and regions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date as Date
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, NonNegativeFloat, NonNegativeInt, PositiveFloat, model_validator

from models.mmm.model.design import Scales
from models.mmm.panel.error import MMMError
from models.mmm.panel.panel import MMMData

NO_SPEND = 1e-6  # share of the usual spend below which the tested regions count as dark


def control_path(
    data: MMMData, channels: Sequence[str], *, start: Date, end: Date, geos: Sequence[str] = (), extra: float
) -> tuple[float, float]:
    """Spend of the tested regions without the test: share of the observed spend, and money.

    They are `control_share` and `control_spend` of an `Experiment`. `extra` is the money that made the difference,
    below zero for a test that took spend away; `geos` is empty for all regions. Where the regions were dark, the
    control is not a share of the observed spend: the share is 0 and the money is the size of `extra`. Otherwise the
    money is 0.
    """
    when = np.array([start <= day <= end for day in data.dates])
    where = np.isin(data.geos, geos) if len(geos) else np.ones(len(data.geos), dtype=bool)
    columns = [data.channels.index(channel) for channel in channels]
    spend = data.spend[where][:, :, columns].sum(axis=(0, 2))
    observed, usual = float(spend[when].sum()), float(spend.mean() * when.sum())
    if observed < NO_SPEND * max(usual, abs(extra)):
        return 0.0, abs(extra)
    return max(1 - extra / observed, 0.0), 0.0


class Experiment(BaseModel, frozen=True, extra="forbid"):
    """One finished test of one or several channels, as its report states it; null and negative results are valid.

    `value` and `se` are totals over the window (and cool-down, if `cooldown_days` of it were measured) and over
    `geos` (all when None): incremental KPI for `contribution`, money back per money for `iroas`. `control_share` is
    the part of the observed spend that the control kept (0: the control was dark). Where the tested regions were dark
    themselves, give `control_spend`, the money their control would have spent over the window: the lift is then
    observed less control, below zero for a channel that works. A test outside the data window needs `spend` and
    `control_spend`, totals over the test, and is read in steady state. `inflation` >= 1 widens `se` for age or quality
    and is kept as its own figure.
    """

    name: str
    channels: tuple[str, ...]
    start: Date
    end: Date
    value: float
    se: PositiveFloat
    estimand: Literal["contribution", "iroas"] = "contribution"
    geos: tuple[str, ...] | None = None
    cooldown_days: NonNegativeInt = 0
    control_share: NonNegativeFloat = 0.0
    spend: PositiveFloat | None = None
    control_spend: NonNegativeFloat = 0.0
    inflation: float = 1.0
    robust: bool = False

    @classmethod
    def from_interval(cls, low: float, high: float, *, level: float = 0.9, **fields: Any) -> Experiment:
        """A test reported as an interval around `value`; se = (high - low) / (2 z).

        Raises ValueError when `value` does not lie near the middle: a lopsided interval has no single se, so give the
        test on a scale on which it is even.
        """
        value = float(fields["value"])
        if not low < high:
            raise MMMError(f"experiment {fields.get('name')!r}: interval {low:g} to {high:g} has no width")
        if abs(value - (low + high) / 2) > 0.1 * (high - low):
            raise MMMError(
                f"experiment {fields.get('name')!r}: {value:g} is not in the middle of {low:g} to {high:g}. A lopsided"
                " interval has no single standard error"
            )
        return cls(se=(high - low) / (2 * NormalDist().inv_cdf(0.5 + level / 2)), **fields)

    @model_validator(mode="after")
    def makes_sense(self) -> Experiment:
        if self.end < self.start:
            raise ValueError(f"experiment {self.name!r}: end {self.end} is before start {self.start}")
        if not self.channels:
            raise ValueError(f"experiment {self.name!r} names no channel")
        if self.inflation < 1:
            raise ValueError(
                f"experiment {self.name!r}: inflation={self.inflation} would make the test more certain than it is"
            )
        if self.control_share and self.control_spend and self.spend is None:
            raise ValueError(
                f"experiment {self.name!r}: control_share={self.control_share} and control_spend={self.control_spend}"
                " say the same thing twice: give one"
            )
        if self.control_share == 1:
            raise ValueError(f"experiment {self.name!r}: control_share=1 means test and control spent the same")
        return self


@dataclass(frozen=True, eq=False)
class Calibration:
    """Experiments in the kernel's terms.

    values (E, 3): lift in scaled KPI, its se, Student-t degrees of freedom (0: Normal). pairs (N, 3): test, channel,
    and 1 when the other path is the observed one. control_media (N, G, T), weights (N, G, T): lift = sum of weight
    times (path - control).
    """

    experiments: tuple[Experiment, ...]
    values: np.ndarray
    pairs: np.ndarray
    control_media: np.ndarray
    weights: np.ndarray

    @classmethod
    def none(cls, geos: int, periods: int) -> Calibration:
        """No experiments."""
        empty = np.zeros((0, geos, periods))
        return cls((), np.zeros((0, 3)), np.zeros((0, 3)), empty, empty)


def calibrate(data: MMMData, media: np.ndarray, scales: Scales, experiments: Sequence[Experiment]) -> Calibration:
    """Windows, control paths and scaled values of `experiments` for scaled `media` (C, G, T).

    Raises ValueError naming the experiment for an unknown channel or geo, a test without spend in its window, or one
    outside the data without its own spend.
    """
    _refuse_doubles(experiments)
    geos, periods = data.kpi.shape
    values, pairs, paths, weights = [], [], [], []
    length = {"day": 1, "week": 7, "month": 30.4375}[data.grain]
    first = np.array([d.toordinal() for d in data.dates], dtype=float)
    for index, test in enumerate(experiments):
        for channel in test.channels:
            if channel not in data.media_names:
                raise MMMError(
                    f"experiment {test.name!r}: channel {channel!r} is not in the data ({', '.join(data.media_names)})"
                )
        chosen = _geo_mask(data, test)
        start, end = test.start.toordinal(), test.end.toordinal() + 1
        treated = np.clip(np.minimum(first + length, end) - np.maximum(first, start), 0, length) / length
        measured = (
            np.clip(np.minimum(first + length, end + test.cooldown_days) - np.maximum(first, start), 0, length) > 0
        )
        inside = treated.sum() * length >= 0.9 * min(end - start, length * periods)
        spend_difference = 0.0
        for channel in test.channels:
            c = data.media_names.index(channel)
            if inside:
                window = np.outer(chosen * scales.size, measured.astype(float))
                part = np.outer(chosen, treated)
                spent = float((data.spend[:, :, c] * part).sum()) if c < len(data.channels) else 0.0
                if test.control_spend > 0:
                    control_spend = test.control_spend * _portion(data, test, c)
                    volume = control_spend * _volume_per_money(data, media, scales, c)
                    level = volume / (part * scales.size[:, None]).sum()
                    path = media[c] * (1 - part) + level * part
                    spend_difference += spent - control_spend
                else:
                    path = media[c] * (1 - part * (1 - test.control_share))
                    spend_difference += spent * (1 - test.control_share)
                    if not (media[c] * window).sum() > 0:
                        raise MMMError(
                            f"experiment {test.name!r}: {channel} has no media in the test's geos from {test.start} to"
                            f" {test.end}. If they were dark on purpose, give control_spend"
                        )
                pairs.append((index, c, 1.0))
                paths.append(path)
                weights.append(window)
            else:
                if test.spend is None:
                    raise MMMError(
                        f"experiment {test.name!r} ({test.start} to {test.end}) lies outside the data"
                        f" ({data.dates[0]} to {data.dates[-1]}): give its spend and control_spend"
                    )
                if c >= len(data.channels):
                    raise MMMError(f"experiment {test.name!r}: {channel} is organic and has no spend outside the data")
                spend_difference += _steady_pairs(
                    data, media, scales, test, c, index, chosen, length, (pairs, paths, weights)
                )
        per_iroas = spend_difference / data.money_per_kpi if test.estimand == "iroas" else 1.0
        if test.estimand == "iroas" and spend_difference == 0:
            raise MMMError(
                f"experiment {test.name!r}: no spend difference, so an iroas says nothing. Give a contribution"
            )
        factor = per_iroas / scales.kpi
        values.append((test.value * factor, abs(test.se * factor) * test.inflation, 4.0 if test.robust else 0.0))
    shape = (len(pairs), geos, periods)
    return Calibration(
        tuple(experiments),
        np.array(values).reshape(-1, 3),
        np.array(pairs).reshape(-1, 3),
        np.array(paths).reshape(shape),
        np.array(weights).reshape(shape),
    )


def _geo_mask(data: MMMData, test: Experiment) -> np.ndarray:
    if test.geos is None:
        return np.ones(len(data.geos))
    unknown = sorted(set(test.geos) - set(data.geos))
    if unknown:
        raise MMMError(f"experiment {test.name!r}: geo {unknown[0]!r} is not in the data ({', '.join(data.geos)})")
    return np.isin(data.geos, test.geos).astype(float)


def _refuse_doubles(experiments: Sequence[Experiment]) -> None:
    seen: set[str] = set()
    for test in experiments:
        if test.name in seen:
            raise MMMError(f"experiment {test.name!r} is given twice: one test counts once")
        seen.add(test.name)


def _volume_per_money(data: MMMData, media: np.ndarray, scales: Scales, c: int) -> float:
    """Scaled media that one unit of money buys, as it did over the data."""
    return float((media[c] * scales.size[:, None]).sum() / data.spend[:, :, c].sum())


def _portion(data: MMMData, test: Experiment, c: int) -> float:
    """Channel c's part of a test's money: as the tested channels' spends stand to each other in the data."""
    tested = [data.media_names.index(name) for name in test.channels]
    organic = [data.media_names[i] for i in tested if i >= len(data.channels)]
    if organic:
        raise MMMError(f"experiment {test.name!r}: {organic[0]} is organic, so spend cannot say how it was changed")
    totals = data.spend.sum(axis=(0, 1))
    return float(totals[c] / totals[tested].sum())


def _steady_pairs(
    data: MMMData,
    media: np.ndarray,
    scales: Scales,
    test: Experiment,
    c: int,
    index: int,
    chosen: np.ndarray,
    length: float,
    into: tuple[list, list, list],
) -> float:
    """Adds the test's and the control's constant path, read where carryover has settled; returns the spend
    difference.
    """
    assert test.spend is not None
    pairs, paths, weights = into
    days = (test.end - test.start).days + 1
    spans = days / length
    volume_per_money = _volume_per_money(data, media, scales, c)
    per_size = (chosen * scales.size).sum()
    settled = np.zeros(media.shape[1:])
    settled[:, -1] = chosen * scales.size * spans
    split = _portion(data, test, c)
    for money, sign in ((test.spend * split, -1.0), (test.control_spend * split, 1.0)):
        level = money / spans / per_size * volume_per_money
        pairs.append((index, c, 0.0))
        paths.append(np.full(media.shape[1:], level))
        weights.append(sign * settled)
    return (test.spend - test.control_spend) * split
