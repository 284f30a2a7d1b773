"""Small weekly companies with a feature that simple models omit: frequency, mediator, measurement error, delay.

Each returns the frame a marketer would have and the KPI that each cause truly added over the window.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

World = tuple[pl.DataFrame, dict[str, float]]


def reach(seed: int, weeks: int = 104) -> World:
    """Video is bought by reach and saturates in its frequency (half at 2.5 exposures, slope 2.5); search by money."""
    rng = np.random.default_rng(seed)
    people, often = 400 * np.exp(rng.normal(0, 0.5, weeks)), rng.uniform(1.0, 7.0, weeks)
    video = 4.0 * _carried(people / (1 + (2.5 / often) ** 2.5), 1.0)
    search = _spend(rng, weeks)
    paid = _search_effect(search)
    kpi = 8000 + video + paid + rng.normal(0, 100, weeks)
    frame = pl.DataFrame({"date": _dates(weeks), "kpi": kpi, "search": search, "reach": people, "often": often})
    return frame, {"video": float(video.sum()), "search": float(paid.sum())}


def mediated(seed: int, weeks: int = 130) -> World:
    """Video drives brand searches (3 KPI per search) and also sells directly; brand demand varies on its own."""
    rng = np.random.default_rng(seed)
    video, search = _spend(rng, weeks), _spend(rng, weeks)
    felt = np.tanh(_carried(video, 2.0) / 1600)
    own = 1000 * (1 + 0.12 * _autoregressive(rng, weeks, 0.6))
    sent = 300 * felt / felt.mean()
    searches = own + sent + rng.normal(0, 15, weeks)
    direct, paid = 600 * felt / felt.mean(), _search_effect(search)
    kpi = 6000 + 3 * searches + direct + paid + rng.normal(0, 100, weeks)
    frame = pl.DataFrame({"date": _dates(weeks), "kpi": kpi, "video": video, "search": search, "brand": searches})
    truth = {"direct": direct, "through brand searches": 3 * sent, "search": paid, "brand searches": 3 * own}
    return frame, {name: float(values.sum()) for name, values in truth.items()}


def measured(seed: int, weeks: int = 150) -> World:
    """Visibility in AI answers sells; it is measured with an error (0.07) nearly as large as its own variation."""
    rng = np.random.default_rng(seed)
    share = np.clip(0.3 + 0.08 * _autoregressive(rng, weeks, 0.7), 0.02, 1)
    search = _spend(rng, weeks)
    cited = 900 * np.tanh(np.log(3) / 2 * share / 0.45) / np.tanh(np.log(3) / 2 * 0.3 / 0.45)
    paid = _search_effect(search)
    kpi = 8000 + cited + paid + rng.normal(0, 80, weeks)
    read = np.clip(share + rng.normal(0, 0.07, weeks), 0, 1)
    frame = pl.DataFrame({"date": _dates(weeks), "kpi": kpi, "search": search, "ai": read, "se": np.full(weeks, 0.07)})
    return frame, {"ai": float(cited.sum()), "search": float(paid.sum())}


def delayed(seed: int, weeks: int = 110) -> World:
    """TV works most four weeks after it was on air; search at once."""
    rng = np.random.default_rng(seed)
    tv, search = _spend(rng, weeks), _spend(rng, weeks)
    bell = np.exp(-np.log(2) * ((np.arange(12) - 4.0) / 1.5) ** 2)
    seen = 1500 * np.tanh(np.convolve(tv, bell / bell.sum())[:weeks] / 1600)
    paid = _search_effect(search)
    kpi = 8000 + seen + paid + rng.normal(0, 80, weeks)
    frame = pl.DataFrame({"date": _dates(weeks), "kpi": kpi, "tv": tv, "search": search})
    return frame, {"tv": float(seen.sum()), "search": float(paid.sum())}


def _dates(count: int) -> list[date]:
    return [date(2022, 1, 3) + timedelta(days=7 * i) for i in range(count)]


def _carried(x: np.ndarray, half_life: float) -> np.ndarray:
    keep = 0.5 ** (1 / half_life)
    out, level = np.empty_like(x), 0.0
    for t, value in enumerate(x):
        level = keep * level + (1 - keep) * value
        out[t] = level
    return out


def _search_effect(spend: np.ndarray) -> np.ndarray:
    return np.asarray(900 * np.tanh(_carried(spend, 1.0) / 1600))


def _autoregressive(rng: np.random.Generator, count: int, rho: float) -> np.ndarray:
    out = np.zeros(count)
    for t in range(1, count):
        out[t] = rho * out[t - 1] + np.sqrt(1 - rho**2) * rng.normal()
    return out


def _spend(rng: np.random.Generator, count: int) -> np.ndarray:
    return np.asarray(800 * np.exp(rng.normal(0, 0.6, count)) * (rng.random(count) > 0.2))
