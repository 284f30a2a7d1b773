"""Signs that spend answers demand instead of making it; weak by nature, so silence here is no proof of the contrary."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from models.mmm.design import Design
from models.warning import Severity, Warning

if TYPE_CHECKING:
    from models.mmm.result import MMMFit

LEVEL = 0.001  # per channel and test: about one false alarm in a hundred fits of four channels
OVERLAP = 0.5  # share of a channel's movement that a declared confounder explains
LAGS = 2


def check(fit: MMMFit) -> list[Warning]:
    """Findings per channel: spend predicted by past sales, sales predicted by future spend, spend moving with a
    confounder.
    """
    found = []
    follows, leads = spend_after_sales(fit.design), sales_before_spend(fit)
    overlap = confounder_overlap(fit.design)
    names = fit.data.media_names
    for c, name in enumerate(names):
        if c >= len(fit.data.channels):
            continue
        if min(follows[c], leads[c]) < LEVEL:
            how = (
                "spend moved after sales had moved" if follows[c] < leads[c] else "sales had moved before the spend did"
            )
            found.append(Warning(
                "spend_follows_demand", "high", name,
                f"{name} looks as if it was bought because demand was up: {how} (p ="
                f" {min(follows[c], leads[c]):.1g}). Its number"
                " is then too high.",
                f"Test {name} in some regions, or add the demand signal its buyers react to as a confounder.",
            ))  # fmt: skip
        elif overlap[c] > OVERLAP:
            found.append(Warning(
                "confounded_with_control", "medium", name,
                f"{overlap[c]:.0%} of {name}'s movement goes with the declared confounders: its effect is told apart"
                " from demand"
                " only by the small rest, and any error of the demand signal ends up in it.",
                f"Test {name} in some regions before acting on its number.",
            ))  # fmt: skip
    tested = {c for e in fit.experiments for c in e.channels}
    untested = [c for c in range(len(fit.data.channels)) if names[c] not in tested]
    if untested:
        need = tipping_points(fit)
        # who declares a confounder says that demand moves spend: what its proxy misses sits in these numbers
        declared = "confounder" in fit.data.control_roles and len(fit.data.geos) == 1
        severity: Severity = "medium" if declared else "info"
        weakest = min(untested, key=lambda c: need[c])
        found.append(Warning(
            "hidden_demand_possible", severity, ", ".join(names[c] for c in untested),
            "No experiment stands behind these channels, and a demand that moved both spend and sales cannot be seen"
            " in the data:"
            f" one that explains {need[weakest]:.0%} of what is left of each would halve the number of"
            f" {names[weakest]}.",
            f"Test {names[weakest]} first.",
        ))  # fmt: skip
    return found


def tipping_points(fit: MMMFit, share: float = 0.5) -> np.ndarray:
    """Partial R-squared (P,) with spend and with sales that a hidden driver needs to remove `share` of each
    channel's effect.

    Robustness value of Cinelli and Hazlett (2020), with the posterior's mean over sd in the place of the t-statistic.
    """
    paid = len(fit.data.channels)
    draws = fit.incremental()[:, :paid]
    f = share * np.abs(draws.mean(axis=0)) / draws.std(axis=0) / np.sqrt(fit.design.cells)
    return np.asarray(0.5 * (np.sqrt(f**4 + 4 * f**2) - f**2))


def confounder_overlap(design: Design) -> np.ndarray:
    """R-squared (C,) of each media series on the declared confounders, within regions, after season and trend."""
    roles = dict(zip(design.data.control_names, design.data.control_roles, strict=True))
    chosen = [k for k, name in enumerate(design.baseline.names) if roles.get(name) == "confounder"]
    out = np.zeros(len(design.media))
    if not chosen:
        return out
    rest = [k for k, part in enumerate(design.baseline.component) if part in ("baseline", "trend", "seasonality")]
    base = design.baseline.columns[rest].reshape(len(rest), -1).T
    demand = _left(design.baseline.columns[chosen].reshape(len(chosen), -1).T, base)
    for c, series in enumerate(design.media):
        y = _left(series.reshape(-1, 1), base)[:, 0]
        out[c] = 1 - float((_left(y[:, None], demand) ** 2).sum()) / max(float((y**2).sum()), 1e-12)
    return out


def spend_after_sales(design: Design) -> np.ndarray:
    """p-values (C,): do last periods' sales help to predict spend beyond its own past, trend and season?"""
    base, y = _time_columns(design), (design.y * design.weight).mean(axis=0)
    y = _left(y[:, None], base)[:, 0]
    out = np.ones(len(design.media))
    for c, series in enumerate(design.media):
        x = series.mean(axis=0)
        own = np.stack([_lag(x, k) for k in range(1, LAGS + 1)], axis=1)
        sales = np.stack([_lag(y, k) for k in range(1, LAGS + 1)], axis=1)
        rows = slice(LAGS, None)
        out[c] = _joint(x[rows], np.hstack([base, own])[rows], sales[rows])
    return out


def sales_before_spend(fit: MMMFit) -> np.ndarray:
    """p-values (C,): does spend still to come explain what the fit left over?"""
    design = fit.design
    scaled = (fit.data.kpi - fit.fitted()) / (design.scales.size[:, None] * design.scales.kpi) * design.weight
    left = scaled.mean(axis=0)
    base = _time_columns(design)
    out = np.ones(len(design.media))
    for c, series in enumerate(design.media):
        x = series.mean(axis=0)
        own = np.stack([_lag(x, k) for k in range(LAGS + 1)], axis=1)
        future = np.stack([_lag(x, -k) for k in range(1, LAGS + 1)], axis=1)
        rows = slice(LAGS, -LAGS)
        out[c] = _joint(left[rows], np.hstack([base, own])[rows], future[rows])
    return out


def _time_columns(design: Design) -> np.ndarray:
    names = design.baseline.names
    chosen = [k for k, n in enumerate(names) if n in ("intercept", "slope") or n[:4] in ("sin_", "cos_")]
    columns = [np.ones(design.y.shape[1])] + [design.baseline.columns[k][0] for k in chosen if names[k] != "intercept"]
    return np.stack(columns, axis=1)


def _lag(x: np.ndarray, k: int) -> np.ndarray:
    return np.roll(x, k)


def _left(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    return np.asarray(y - x @ np.linalg.lstsq(x, y, rcond=None)[0])


def _joint(y: np.ndarray, held: np.ndarray, added: np.ndarray) -> float:
    """Wald test that `added` does nothing, with errors robust to correlated noise (Newey-West, 4 lags)."""
    x = np.hstack([held, added])
    coefficients, *_ = np.linalg.lstsq(x, y, rcond=None)
    noise = y - x @ coefficients
    inverse = np.linalg.pinv(x.T @ x)
    score = x * noise[:, None]
    meat = score.T @ score
    for k in range(1, 5):
        step = score[k:].T @ score[:-k]
        meat += (1 - k / 5) * (step + step.T)
    freedom = len(y) - x.shape[1]
    if freedom < 20:
        return 1.0
    cov = inverse @ meat @ inverse * len(y) / freedom
    m = added.shape[1]
    b, v = coefficients[-m:], cov[-m:, -m:]
    wald = float(b @ np.linalg.pinv(v) @ b) / m
    return float(stats.f.sf(wald, m, freedom))
