"""How well the model predicts periods it has not seen, given their media; a good score does not prove causality."""

from __future__ import annotations

import numpy as np
import polars as pl

from models.mmm.fitting.approximate import peak_fit
from models.mmm.fitting.fit import fit
from models.mmm.fitting.form_selection import choose_form
from models.mmm.model.build import design as build_design
from models.mmm.panel.error import MMMError
from models.mmm.panel.panel import MMMData
from models.mmm.result.contributions import linear_sums, media_sums
from models.mmm.result.fit import MMMFit
from models.mmm.spec import MMMSpec
from models.periods import PERIODS_PER_YEAR


def backtest(
    data: MMMData,
    spec: MMMSpec | None = None,
    *,
    folds: int = 3,
    horizon: int = 4,
    sampled: bool = True,
    seed: int,
) -> pl.DataFrame:
    """Rolling origin: fit up to `folds` ends, each `horizon` periods apart, and predict the next `horizon`.

    One row per fold: origin, wmape, mase, crps, coverage50, coverage80, coverage95 (predictive intervals of the
    total over geos) and skill = 1 - wmape / wmape of the same period a year before (of the last period when there is
    no year). `sampled=False` fits the posterior's peak only: for many folds, where intervals may be rough.
    """
    total = len(data.dates)
    if total - folds * horizon < 26:
        raise MMMError(f"{total} periods leave fewer than 26 to fit on after {folds} folds of {horizon}: ask for fewer")
    rows = []
    for k in range(folds, 0, -1):
        cut = total - k * horizon
        keep = np.arange(total)
        before = data.rows(keep < cut)
        past = fit(before, spec, seed=seed + k) if sampled else _rough(before, spec or MMMSpec(), seed + k)
        rows.append(_scores(past, data.rows(keep < cut + horizon), cut, horizon, seed + k))
    return pl.DataFrame(rows)


def _rough(data: MMMData, spec: MMMSpec, seed: int) -> MMMFit:
    form, _ = choose_form(data, spec, ())
    return peak_fit(data, spec, form, seed=seed)


def predict(past: MMMFit, data: MMMData, cut: int, *, seed: int, draws: int = 500) -> np.ndarray:
    """Predictive draws (D, periods after `cut`) of the KPI over all geos, media and controls given."""
    design = build_design(data, past.spec, past.design.form, scales=past.design.scales)
    geos, periods = design.y.shape
    labels = np.where(np.arange(periods) >= cut, np.arange(periods) - cut, -1) + np.zeros((geos, 1), dtype=int)
    thinned = past.draws.thin(draws)
    ahead = periods - cut
    mean = media_sums(design, thinned, design.media, labels, ahead).sum(axis=2)
    mean = mean + linear_sums(design, thinned, labels, ahead)[1].sum(axis=2)
    rng = np.random.default_rng(seed)
    unit = design.scales.size * design.scales.kpi
    own = rng.normal(size=(thinned.count, ahead, geos)) * design.scales.noise * unit * thinned.sigma[:, None, None]
    tau = thinned.sigma * np.sqrt(thinned.week_ratio / (1 / design.scales.noise**2).sum())
    shock = rng.normal(size=(thinned.count, ahead)) * tau[:, None] * unit.sum()
    return np.asarray(mean + own.sum(axis=2) + shock)


def _scores(past: MMMFit, data: MMMData, cut: int, horizon: int, seed: int) -> dict[str, object]:
    draws = predict(past, data, cut, seed=seed)
    series = data.kpi.sum(axis=0)
    truth, middle = series[cut:], draws.mean(axis=0)
    year = round(PERIODS_PER_YEAR[data.grain])
    naive = series[cut - year : cut - year + horizon] if cut >= year else np.repeat(series[cut - 1], horizon)
    step = year if cut > year + 8 else 1
    usual = (
        np.abs(np.diff(series[:cut])).mean() if step == 1 else np.abs(series[step:cut] - series[: cut - step]).mean()
    )
    out: dict[str, object] = {
        "origin": data.dates[cut - 1],
        "wmape": float(np.abs(truth - middle).sum() / np.abs(truth).sum()),
        "mase": float(np.abs(truth - middle).mean() / usual),
        "crps": float(np.mean([_crps(draws[:, i], truth[i]) for i in range(horizon)])),
    }
    for level in (50, 80, 95):
        low, high = np.quantile(draws, [0.5 - level / 200, 0.5 + level / 200], axis=0)
        out[f"coverage{level}"] = float(((truth >= low) & (truth <= high)).mean())
    out["skill"] = float(1 - np.abs(truth - middle).sum() / max(float(np.abs(truth - naive).sum()), 1e-12))
    return out


def _crps(draws: np.ndarray, truth: float) -> float:
    ordered = np.sort(draws)
    n = ordered.size
    spread = 2 * float((ordered * (2 * np.arange(1, n + 1) - n - 1)).sum()) / n**2
    return float(np.abs(draws - truth).mean() - 0.5 * spread)
