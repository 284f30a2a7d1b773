"""The data sets on which a peer and Plumbline fit the same model: arrays only, nothing scaled yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl

TAPS_OF_THE_PAST = 40  # carryover of the simulated worlds; the fits see only their own taps


@dataclass(frozen=True, eq=False)
class Case:
    """One panel: media (G, T, C), money spent per channel (C,), kpi (G, T), controls (G, T, K); `taps` of carryover."""

    name: str
    dates: tuple[date, ...]
    media: np.ndarray
    money: np.ndarray
    kpi: np.ndarray
    controls: np.ndarray
    taps: int

    @property
    def harmonics(self) -> np.ndarray:
        """Two pairs of yearly waves (4, T): sine and cosine of the day of the year over 365.25."""
        phase = np.array([d.timetuple().tm_yday for d in self.dates]) / 365.25
        return np.stack([wave(2 * np.pi * k * phase) for k in (1, 2) for wave in (np.sin, np.cos)])

    def save(self, path: Path) -> None:
        """Everything as plain arrays, so that another environment can read it."""
        np.savez(
            path,
            name=self.name,
            dates=[d.isoformat() for d in self.dates],
            media=self.media,
            money=self.money,
            kpi=self.kpi,
            controls=self.controls,
            taps=self.taps,
        )


def two_channels(folder: Path) -> Case:
    """PyMC-Marketing's own example: 179 weeks, two channels, two events and an unscaled trend."""
    frame = pl.read_csv(folder / "pymc_marketing__mmm_example.csv", try_parse_dates=True)
    controls = np.column_stack([frame["event_1"], frame["event_2"], np.arange(frame.height, dtype=float)])
    media = frame.select("x1", "x2").to_numpy()
    return Case(
        "two channels, 179 weeks",
        tuple(frame["date_week"].to_list()),
        media[None],
        media.sum(axis=0),
        frame["y"].to_numpy()[None],
        controls[None],
        8,
    )


def twenty_regions(folder: Path) -> Case:
    """Meridian's simulated panel: 20 regions, 156 weeks, four channels by money, two controls, revenue."""
    frame = pl.read_csv(folder / "meridian__geo_media.csv", try_parse_dates=True).sort("geo", "time")
    geos, periods = frame["geo"].n_unique(), frame["time"].n_unique()

    def cube(columns: list[str]) -> np.ndarray:
        return frame.select(columns).to_numpy().astype(float).reshape(geos, periods, len(columns))

    spend = cube([f"Channel{i}_spend" for i in range(4)])
    revenue = cube(["conversions"]) * cube(["revenue_per_conversion"])
    return Case(
        "20 regions, 156 weeks, 4 channels",
        tuple(frame["time"].unique(maintain_order=True).to_list()),
        spend,
        spend.sum(axis=(0, 1)),
        revenue[:, :, 0],
        cube(["competitor_activity_score_control", "sentiment_score_control"]),
        8,
    )


def world(seed: int, periods: int = 156, channels: int = 5) -> Case:
    """A simulated company: flights with a common driver, logistic (even seeds) or Hill response (odd ones)."""
    rng = np.random.default_rng(seed)
    t = np.arange(periods)
    season = 2 * np.pi * t / 52.18
    common = _autoregressive(rng, periods, 0.7) * 0.5
    share = np.exp(rng.normal(0, 0.4, channels))
    share *= 0.3 / share.sum()
    level, amplitude = 100.0, rng.uniform(0.05, 0.15)
    control = _autoregressive(rng, periods, 0.7)
    baseline = level * (
        1
        + amplitude * np.sin(season)
        + 0.03 * np.sin(2 * season)
        + rng.uniform(-0.05, 0.15) * t / periods
        + 0.03 * control
    )
    media, money, total = np.empty((periods, channels)), np.empty(channels), np.zeros(periods)
    for c in range(channels):
        flight = np.ones(periods)
        if rng.random() < 0.4:
            flight[np.sin(2 * np.pi * t / rng.uniform(8, 26) + rng.uniform(0, 2 * np.pi)) <= -0.2] = 0.0
        drift = 0.35 * common + rng.uniform(0, 0.5) * np.sin(season) + 0.35 * rng.normal(size=periods)
        spend = np.exp(rng.normal(0, 0.6)) * flight * np.exp(drift)
        weights = rng.uniform(0.1, 0.7) ** np.arange(TAPS_OF_THE_PAST)
        stock = np.convolve(spend / spend.max(), weights / weights.sum())[:periods]
        if seed % 2 == 0:
            response = np.tanh(rng.uniform(1.5, 5) * stock / 2)
        else:
            half, slope = rng.uniform(0.2, 0.6), rng.uniform(1, 1.8)
            response = stock**slope / (stock**slope + half**slope)
        effect = response * share[c] * baseline.mean() / (0.7 * response.mean())
        media[:, c], total = spend, total + effect
        money[c] = effect.sum() / np.exp(rng.normal(0.3, 0.6))
    kpi = baseline + total
    kpi = kpi + rng.normal(0, 0.05 * kpi.mean(), periods)
    dates = tuple(date(2022, 1, 3) + timedelta(days=7 * int(i)) for i in t)
    controls = np.column_stack([control, t.astype(float)])
    return Case(
        f"world {seed}, {periods} weeks, {channels} channels", dates, media[None], money, kpi[None], controls[None], 12
    )


def _autoregressive(rng: np.random.Generator, periods: int, kept: float) -> np.ndarray:
    """AR(1) with unit variance."""
    out, value = np.empty(periods), rng.normal()
    for i in range(periods):
        value = kept * value + np.sqrt(1 - kept**2) * rng.normal()
        out[i] = value
    return out
