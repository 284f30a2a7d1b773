"""Signs that spend follows demand instead of creating it. These tests are weak: passing them proves nothing."""

from __future__ import annotations

import numpy as np

from models.mmm.checks.regression import joint_p, lagged, residual, time_columns
from models.mmm.checks.unobserved_confounding import tipping_points
from models.mmm.model.design import Design
from models.mmm.result.fit import MMMFit
from models.warning import Severity, Warning

LEVEL = 0.001  # per channel and test: about one false alarm in 100 fits of four channels
LEVEL_LEVER = 0.005  # per price or promotion: there are few of them, and they are often set with sales in view
LEVEL_AFTER_ONE = 0.05  # for the other channels once one was warnings: the same people buy them
TOGETHER = 0.5  # correlation of a channel with the mean of the others above which a common driver is suspected
OVERLAP = 0.5  # share of a channel's movement that a declared confounder explains
LAGS = 2


def check(fit: MMMFit) -> list[Warning]:
    """Findings per channel: spend predicted by past sales, sales predicted by future spend, spend moving with a
    confounder.
    """
    warnings = []
    follows, leads = spend_after_sales(fit.design), sales_before_spend(fit)
    overlap, together = confounder_overlap(fit.design), common_movement(fit.design)
    names = fit.data.media_names
    paid = range(len(fit.data.channels))
    worst = np.minimum(follows, leads)
    level = LEVEL_AFTER_ONE if (worst[: len(paid)] < LEVEL).any() else LEVEL
    for c in paid:
        name = names[c]
        if worst[c] < level:
            how = "spend moved after sales had moved" if follows[c] < leads[c] else "sales moved before spend did"
            warnings.append(
                Warning(
                    "spend_follows_demand",
                    "high" if worst[c] < LEVEL else "medium",
                    name,
                    f"{name} may have been bought because demand was up: {how} (p = {worst[c]:.1g}). Its number is"
                    " then biased, usually upwards.",
                    f"Test {name} in some regions, or add the demand signal that its buyers react to as a confounder.",
                )
            )
        elif overlap[c] > OVERLAP:
            warnings.append(
                Warning(
                    "confounded_with_control",
                    "medium",
                    name,
                    f"The declared confounders explain {overlap[c]:.0%} of the variation of {name}: only the"
                    " rest separates its effect from demand, and errors of the demand signal end up in it.",
                    f"Test {name} in some regions before acting on its number.",
                )
            )
        elif together[c] > TOGETHER:
            warnings.append(
                Warning(
                    "common_driver",
                    "medium",
                    name,
                    f"Beyond season and trend {name} rises and falls with the other channels (correlation"
                    f" {together[c]:.2f}): something moves all budgets. If that is demand, it moves sales too, and"
                    " these numbers are too high.",
                    "Find out what sets the budgets: add it as a confounder if it is demand, or test a channel by"
                    " region.",
                )
            )
    levers = levers_after_sales(fit.design)
    level = LEVEL_AFTER_ONE if min(levers.values(), default=1.0) < LEVEL_LEVER else LEVEL_LEVER
    for name, p in levers.items():
        if p < level:
            warnings.append(
                Warning(
                    "control_follows_sales",
                    "medium",
                    name,
                    f"{name} seems to be set in response to sales (p = {p:.1g}). Its own effect is then too weak or has"
                    " the wrong sign, and channels that ran at the same time are affected.",
                    f"Do not use the effect of {name} from this model; vary {name} on purpose, or add the signal that"
                    " it responds to.",
                )
            )
    tested = {c for e in fit.experiments for c in e.channels}
    untested = [c for c in range(len(fit.data.channels)) if names[c] not in tested]
    if untested:
        need = tipping_points(fit)
        # a declared confounder says that demand moves spend: what the proxy misses biases these numbers
        declared = "confounder" in fit.data.control_roles and len(fit.data.geos) == 1
        severity: Severity = "medium" if declared else "info"
        weakest = min(untested, key=lambda c: need[c])
        warnings.append(
            Warning.about(
                "hidden_demand_possible",
                severity,
                [names[c] for c in untested],
                "These channels have no experiment, and the data cannot reveal demand that moved both spend and sales:"
                f" demand that explains {need[weakest]:.0%} of the residual variance of each would halve the number of"
                f" {names[weakest]}.",
                f"Test {names[weakest]} first.",
            )
        )
    return warnings


def confounder_overlap(design: Design) -> np.ndarray:
    """R-squared (C,) of each media series on the declared confounders, within regions, after season and trend."""
    roles = dict(zip(design.data.control_names, design.data.control_roles, strict=True))
    chosen = [k for k, name in enumerate(design.baseline.names) if roles.get(name) == "confounder"]
    out = np.zeros(len(design.media))
    if not chosen:
        return out
    rest = [k for k, part in enumerate(design.baseline.component) if part in ("baseline", "trend", "seasonality")]
    base = design.baseline.columns[rest].reshape(len(rest), -1).T
    demand = residual(design.baseline.columns[chosen].reshape(len(chosen), -1).T, base)
    for c, series in enumerate(design.media):
        y = residual(series.reshape(-1, 1), base)[:, 0]
        out[c] = 1 - float((residual(y[:, None], demand) ** 2).sum()) / max(float((y**2).sum()), 1e-12)
    return out


def common_movement(design: Design) -> np.ndarray:
    """Correlation (C,) of each paid series with the mean of the other paid ones, on logs, after season and trend.

    Zeros for a single channel, and for several regions, where a movement common to all is measured apart from them.
    """
    out = np.zeros(len(design.media))
    paid = len(design.data.channels)
    if paid < 2 or len(design.data.geos) > 1:
        return out
    x = design.media[:paid, 0]
    floor = 0.05 * x.mean(axis=1, keepdims=True)  # no logarithm of zero in weeks without spend
    moved = residual(np.log(np.maximum(x, floor)).T, time_columns(design)).T
    moved /= np.maximum(moved.std(axis=1, keepdims=True), 1e-9)
    for c in range(paid):
        others = np.delete(moved, c, axis=0).mean(axis=0)
        out[c] = float((moved[c] * others).mean() / max(float(others.std()), 1e-9))
    return out


def spend_after_sales(design: Design) -> np.ndarray:
    """p-values (C,): do sales of earlier periods help to predict spend beyond its own past, trend and season?"""
    base, y = time_columns(design), (design.y * design.weight).mean(axis=0)
    y = residual(y[:, None], base)[:, 0]
    out = np.ones(len(design.media))
    for c, series in enumerate(design.media):
        x = series.mean(axis=0)
        own = np.stack([lagged(x, k) for k in range(1, LAGS + 1)], axis=1)
        sales = np.stack([lagged(y, k) for k in range(1, LAGS + 1)], axis=1)
        rows = slice(LAGS, None)
        out[c] = joint_p(x[rows], np.hstack([base, own])[rows], sales[rows])
    return out


def levers_after_sales(design: Design) -> dict[str, float]:
    """p-value per control and treatment other than confounders: do sales of earlier periods help to predict it?

    Confounders are declared to move with demand; prices and promotions are assumed to be set independently of it.
    """
    roles = dict(zip(design.data.control_names, design.data.control_roles, strict=True))
    base, y = time_columns(design), (design.y * design.weight).mean(axis=0)
    y = residual(y[:, None], base)[:, 0]
    sales = np.stack([lagged(y, k) for k in range(1, LAGS + 1)], axis=1)
    rows = slice(LAGS, None)
    out = {}
    for name in (*design.data.control_names, *design.data.treatment_names):
        if roles.get(name) == "confounder":
            continue
        x = design.baseline.columns[design.baseline.names.index(name)].mean(axis=0)
        own = np.stack([lagged(x, k) for k in range(1, LAGS + 1)], axis=1)
        out[name] = joint_p(x[rows], np.hstack([base, own])[rows], sales[rows])
    return out


def sales_before_spend(fit: MMMFit) -> np.ndarray:
    """p-values (C,): does future spend explain the residuals of the fit?"""
    design = fit.design
    scaled = (fit.data.kpi - fit.fitted()) / (design.scales.size[:, None] * design.scales.kpi) * design.weight
    left = scaled.mean(axis=0)
    base = time_columns(design)
    out = np.ones(len(design.media))
    for c, series in enumerate(design.media):
        x = series.mean(axis=0)
        own = np.stack([lagged(x, k) for k in range(LAGS + 1)], axis=1)
        future = np.stack([lagged(x, -k) for k in range(1, LAGS + 1)], axis=1)
        rows = slice(LAGS, -LAGS)
        out[c] = joint_p(left[rows], np.hstack([base, own])[rows], future[rows])
    return out
