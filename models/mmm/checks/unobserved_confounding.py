"""How strong an unrecorded driver would have to be to overturn a channel's number; nothing here detects one."""

from __future__ import annotations

import numpy as np
import polars as pl

from models.mmm.result.contributions import media_sums, parts
from models.mmm.result.fit import MMMFit


def robustness_value(t: np.ndarray, freedom: float, share: float = 1.0) -> np.ndarray:
    """Partial R-squared that a hidden driver needs with spend and with sales alike to take away `share` of an effect.

    `t` is the effect over its standard error, `freedom` the degrees of freedom. Cinelli and Hazlett (2020), eq. 19.
    """
    f = share * np.abs(t) / np.sqrt(freedom)
    return np.asarray(0.5 * (np.sqrt(f**4 + 4 * f**2) - f**2))


def tipping_points(fit: MMMFit, share: float = 0.5) -> np.ndarray:
    """Robustness value (P,) of each paid channel for `share` of its effect, with the posterior's mean over sd as t."""
    draws = fit.incremental()[:, : len(fit.data.channels)]
    return robustness_value(draws.mean(axis=0) / draws.std(axis=0), fit.design.cells, share)


def tipping(fit: MMMFit) -> pl.DataFrame:
    """channel, halves, to_break_even, strongest, strongest_r2, times: what a hidden driver would need, and a yardstick.

    `halves` is the share of what is left of both spend and sales that a hidden driver must explain to halve the
    number; `to_break_even` the same for moving iROAS across the break-even of the spec (null when money is unknown).
    `strongest` names the recorded control with the largest share of the same kind and `times` how many such controls
    the hidden driver amounts to (null without controls). A small figure means a fragile number, a large one no proof.
    """
    paid = len(fit.data.channels)
    draws = fit.roas_draws()
    mean, sd = draws.mean(axis=0), draws.std(axis=0)
    halves = robustness_value(mean / sd, fit.design.cells, 0.5)
    money = fit.data.kpi_unit == "revenue" or fit.data.value_per_kpi is not None
    gap = np.abs(mean - fit.spec.break_even_iroas)
    crosses = robustness_value(gap / sd, fit.design.cells) if money else np.full(paid, np.nan)
    names, strengths = _controls(fit)
    rows = []
    for c, channel in enumerate(fit.data.channels):
        best = int(np.argmax(strengths[:, c])) if len(names) else -1
        r2 = float(strengths[best, c]) if len(names) else None
        rows.append(
            (
                channel,
                float(halves[c]),
                float(crosses[c]) if money else None,
                names[best] if len(names) else None,
                r2,
                float(halves[c]) / max(r2, 1e-6) if r2 is not None else None,
            )
        )
    columns = {
        "channel": pl.String,
        "halves": pl.Float64,
        "to_break_even": pl.Float64,
        "strongest": pl.String,
        "strongest_r2": pl.Float64,
        "times": pl.Float64,
    }
    return pl.DataFrame(rows, schema=columns, orient="row")


def _controls(fit: MMMFit) -> tuple[list[str], np.ndarray]:
    """Smaller of each control's partial R-squared with sales and with each channel's effect (K, P), the rest held."""
    design = fit.design
    recorded = set(fit.data.control_names) | set(fit.data.treatment_names)
    chosen = [k for k, name in enumerate(design.baseline.names) if name in recorded]
    if not chosen:
        return [], np.zeros((0, len(fit.data.channels)))
    geos, periods = design.y.shape
    cells = np.arange(geos * periods).reshape(geos, periods)
    thinned = fit.draws.thin(200)
    pieces = parts(thinned, geos * periods * len(design.media))
    media = (
        sum(media_sums(design, part, design.media, cells, geos * periods).sum(axis=0) for part in pieces)
        / thinned.count
    )
    linear = design.baseline.columns.reshape(len(design.baseline.names), -1).T
    y = design.y.ravel()
    out = np.zeros((len(chosen), len(fit.data.channels)))
    for i, k in enumerate(chosen):
        rest = np.delete(linear, k, axis=1)
        of_sales = _partial(y, linear[:, k], np.hstack([rest, media]))
        for c in range(out.shape[1]):
            out[i, c] = min(of_sales, _partial(media[:, c], linear[:, k], np.hstack([rest, np.delete(media, c, 1)])))
    return [design.baseline.names[k] for k in chosen], out


def _partial(y: np.ndarray, x: np.ndarray, held: np.ndarray) -> float:
    """Squared correlation of y and x after both were regressed on `held`."""
    both = np.stack([y, x], axis=1)
    left = both - held @ np.linalg.lstsq(held, both, rcond=None)[0]
    scale = float((left[:, 0] ** 2).sum() * (left[:, 1] ** 2).sum())
    return float(left[:, 0] @ left[:, 1]) ** 2 / scale if scale > 1e-20 else 0.0
