"""Tests as evidence inside the model: each is compared with the model's own lift over the test's window and regions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date as Date
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import BaseModel, NonNegativeFloat, NonNegativeInt, PositiveFloat, model_validator

from models.mmm.data import MMMData

if TYPE_CHECKING:
    from models.mmm.design import Scales


class Experiment(BaseModel, frozen=True, extra="forbid"):
    """One finished test of one or several channels, as its report states it; a null or negative result is as welcome.

    `value` and `se` are totals over the window (and cool-down, if `cooldown_days` of it were measured) and over
    `geos` (all when None): incremental KPI for `contribution`, money back per money for `iroas`. `control_share` is
    the part of the observed spend that the control kept (0: the control was dark). A test outside the data window
    needs `spend` and `control_spend`, totals over the test, and is read in steady state. `inflation` >= 1 widens `se`
    for age or quality and is kept as its own figure.
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

    @model_validator(mode="after")
    def makes_sense(self) -> Experiment:
        if self.end < self.start:
            raise ValueError(f"experiment {self.name!r}: end {self.end} is before start {self.start}")
        if not self.channels:
            raise ValueError(f"experiment {self.name!r} names no channel")
        if self.inflation < 1:
            raise ValueError(
                f"experiment {self.name!r}: inflation={self.inflation} would make the test surer than it is"
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
                raise ValueError(
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
                path = np.where(chosen[:, None], media[c] * (1 - treated * (1 - test.control_share)), media[c])
                window = np.outer(chosen * scales.size, measured.astype(float))
                if c < len(data.channels):
                    spend_difference += float((data.spend[:, :, c] * chosen[:, None] * treated).sum()) * (
                        1 - test.control_share
                    )
                if not (media[c] * window).sum() > 0:
                    raise ValueError(
                        f"experiment {test.name!r}: {channel} has no media in the test's geos from {test.start} to"
                        f" {test.end}"
                    )
                pairs.append((index, c, 1.0))
                paths.append(path)
                weights.append(window)
            else:
                if test.spend is None:
                    raise ValueError(
                        f"experiment {test.name!r} ({test.start} to {test.end}) lies outside the data"
                        f" ({data.dates[0]} to {data.dates[-1]}): give its spend and control_spend"
                    )
                if c >= len(data.channels):
                    raise ValueError(
                        f"experiment {test.name!r}: {channel} is organic and has no spend outside the data"
                    )
                spend_difference += _steady_pairs(
                    data, media, scales, test, c, index, chosen, length, (pairs, paths, weights)
                )
        per_iroas = spend_difference / data.money_per_kpi if test.estimand == "iroas" else 1.0
        if test.estimand == "iroas" and spend_difference == 0:
            raise ValueError(
                f"experiment {test.name!r}: no spend difference, so an iroas says nothing. Give a contribution"
            )
        factor = per_iroas / scales.kpi
        values.append((test.value * factor, abs(test.se * factor) * test.inflation, 4.0 if test.robust else 0.0))
    shape = (len(pairs), geos, periods)
    return Calibration(
        tuple(experiments), np.array(values).reshape(-1, 3), np.array(pairs).reshape(-1, 3),
        np.array(paths).reshape(shape), np.array(weights).reshape(shape),
    )  # fmt: skip


def period_after(day: Date, days: int) -> Date:
    """The date `days` later, for windows with a cool-down."""
    return day + timedelta(days=days)


def _geo_mask(data: MMMData, test: Experiment) -> np.ndarray:
    if test.geos is None:
        return np.ones(len(data.geos))
    unknown = sorted(set(test.geos) - set(data.geos))
    if unknown:
        raise ValueError(f"experiment {test.name!r}: geo {unknown[0]!r} is not in the data ({', '.join(data.geos)})")
    return np.isin(data.geos, test.geos).astype(float)


def _refuse_doubles(experiments: Sequence[Experiment]) -> None:
    seen: set[str] = set()
    for test in experiments:
        if test.name in seen:
            raise ValueError(f"experiment {test.name!r} is given twice: one test counts once")
        seen.add(test.name)


def _steady_pairs(
    data: MMMData, media: np.ndarray, scales: Scales, test: Experiment, c: int, index: int,
    chosen: np.ndarray, length: float, into: tuple[list, list, list],
) -> float:  # fmt: skip
    """Adds the test's and the control's constant path, read where carryover has settled; returns the spend
    difference.
    """
    assert test.spend is not None
    pairs, paths, weights = into
    days = (test.end - test.start).days + 1
    spans = days / length
    volume_per_money = (media[c] * scales.size[:, None]).sum() / data.spend[:, :, c].sum()
    per_size = (chosen * scales.size).sum()
    settled = np.zeros(media.shape[1:])
    settled[:, -1] = chosen * scales.size * spans
    split = 1 / len(test.channels)
    for money, sign in ((test.spend * split, -1.0), (test.control_spend * split, 1.0)):
        level = money / spans / per_size * volume_per_money
        pairs.append((index, c, 0.0))
        paths.append(np.full(media.shape[1:], level))
        weights.append(sign * settled)
    return (test.spend - test.control_spend) * split
