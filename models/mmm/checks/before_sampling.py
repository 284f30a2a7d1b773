"""Checks of the data alone before a fit; all thresholds are in `LIMITS`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.mmm.model.design import Design
from models.mmm.panel.error import MMMError
from models.mmm.panel.panel import MMMData
from models.warning import Warning


@dataclass(frozen=True)
class Limits:
    """The values from which a warning is given; usual practice, tighter than the defaults of most packages."""

    vif_review: float = 5.0
    vif_withhold: float = 10.0
    correlation_review: float = 0.8
    correlation_withhold: float = 0.95
    rows_per_effect_review: float = 5.0
    rows_per_effect_refuse: float = 2.0
    active_share: float = 0.15
    least_variation: float = 0.05
    zero_kpi_share: float = 0.2
    scale_gap: float = 1e4
    noise_refuse: float = 1e-6
    control_review: float = 0.80
    control_withhold: float = 0.95


LIMITS = Limits()


def check(design: Design, limits: Limits = LIMITS) -> list[Warning]:
    """Findings before sampling. Raises ValueError for a KPI that trend, season and controls give exactly."""
    _refuse_computed_kpi(design, limits)
    return [
        *design.data.findings,
        *design.findings,
        *_rows(design, limits),
        *_activity(design, limits),
        *_separability(design, limits),
        *_with_controls(design, limits),
        *_kpi(design, limits),
    ]


def variance_inflation(design: Design) -> np.ndarray:
    """Variance inflation factor of each media series (C,) on within-geo variation: how far the others explain it."""
    x = moved(design)
    out = np.ones(len(x))
    for c in range(len(x)):
        others = np.delete(x, c, axis=0)
        if not len(others):
            continue
        fitted = others.T @ np.linalg.lstsq(others.T, x[c], rcond=None)[0]
        left = float(((x[c] - fitted) ** 2).sum())
        out[c] = float((x[c] ** 2).sum()) / max(left, 1e-12)
    return out


def moved(design: Design) -> np.ndarray:
    """Media (C, rows) less the mean of each geo: the variation from which effects are estimated."""
    x = design.media - design.media.mean(axis=2, keepdims=True)
    return np.asarray(x.reshape(len(x), -1))


def refuse_too_few_rows(data: MMMData, limits: Limits = LIMITS) -> None:
    """Raises ValueError when the panel has fewer rows than could tell its channels and controls apart."""
    per = _rows_per_effect(data)
    if per < limits.rows_per_effect_refuse:
        raise MMMError(
            f"{len(data.media_names)} channels and {len(data.control_names)} controls on {data.kpi.size} rows:"
            f" {per:.1f} rows per effect. Join channels into groups or deliver a longer history"
        )


def _rows_per_effect(data: MMMData) -> float:
    return data.kpi.size / (len(data.media_names) + len(data.control_names) + len(data.treatment_names) + 4)


def _rows(design: Design, limits: Limits) -> list[Warning]:
    effects = len(design.media) * 3 + len(design.baseline.names)
    per = _rows_per_effect(design.data)
    if per < limits.rows_per_effect_review:
        return [
            Warning(
                "few_rows_per_effect",
                "medium",
                "all",
                f"There are {per:.1f} rows per effect to be estimated ({effects} unknowns in total): the numbers of"
                " single channels will rest on assumptions.",
                "Join small channels, add regions or a longer history.",
            )
        ]
    return []


def _activity(design: Design, limits: Limits) -> list[Warning]:
    warnings = []
    totals = design.data.spend.sum(axis=(0, 1))
    for c, name in enumerate(design.data.media_names):
        series = design.media[c]
        active = float((series > 0).mean())
        if active < limits.active_share:
            warnings.append(
                Warning(
                    "sparse_channel",
                    "medium",
                    name,
                    f"{name} ran in only {active:.0%} of the periods; its number rests mostly on assumptions.",
                    f"Read {name} together with a similar channel, or test it.",
                )
            )
        variation = float(series.std() / series.mean())
        within = float((series - series.mean(axis=1, keepdims=True)).std() / series.mean())
        if max(variation, within) < limits.least_variation:
            warnings.append(
                Warning(
                    "no_variation",
                    "high",
                    name,
                    f"Spend on {name} is nearly the same in every period (it varies by {variation:.1%}), so its effect"
                    " cannot be separated from the baseline.",
                    f"Vary {name} on purpose: pause it in some regions or for some weeks.",
                )
            )
        if c < len(totals) and totals[c] * limits.scale_gap < totals.max():
            warnings.append(
                Warning(
                    "scale_gap",
                    "low",
                    name,
                    f"{name} spent {totals[c]:,.0f} against {totals.max():,.0f} in the largest channel.",
                    f"Check that {name} is in the same currency and unit.",
                )
            )
    return warnings


def _separability(design: Design, limits: Limits) -> list[Warning]:
    x = moved(design)
    names = design.data.media_names
    warnings, named = [], set()
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = np.corrcoef(x) if len(x) > 1 else np.ones((1, 1))
    for i in range(len(x)):
        for j in range(i + 1, len(x)):
            r = float(correlation[i, j])
            if abs(r) > limits.correlation_review:
                named |= {i, j}
                a, b = names[i], names[j]
                warnings.append(
                    Warning.about(
                        "channels_not_separable",
                        "high" if abs(r) > limits.correlation_withhold else "medium",
                        (a, b),
                        f"These data cannot separate {a} and {b}: they were bought in step (correlation {r:.2f}). Their"
                        " sum is more reliable than either.",
                        f"Read the two as one line, or pause {b} in some regions for four weeks.",
                    )
                )
    for c, vif in enumerate(variance_inflation(design)):
        if vif > limits.vif_review and c not in named:
            warnings.append(
                Warning(
                    "channels_not_separable",
                    "high" if vif > limits.vif_withhold else "medium",
                    names[c],
                    f"These data cannot separate {names[c]} from the other channels, which together explain"
                    f" {1 - 1 / vif:.0%} of its variation (variance inflation {vif:.1f}).",
                    f"Vary {names[c]} against the others for some weeks, or read it as part of its group.",
                )
            )
    return warnings


def control_overlap(design: Design) -> np.ndarray:
    """R-squared (C,) of each series on the controls and treatments that are not confounders, within regions.

    Confounders have a warning of their own (`endogeneity.confounder_overlap`): they are expected to
    move with spend.
    """
    data = design.data
    roles = (*data.control_roles, *("treatment",) * len(data.treatment_names))
    values = np.concatenate([data.controls, data.treatments], axis=2)[:, :, [r != "confounder" for r in roles]]
    x = moved(design)
    if not values.shape[2]:
        return np.zeros(len(x))
    held = (values - values.mean(axis=1, keepdims=True)).reshape(-1, values.shape[2])
    held = held / np.maximum(held.std(axis=0), 1e-12)
    left = x - (held @ np.linalg.lstsq(held, x.T, rcond=None)[0]).T
    freedom = max(held.shape[0] - held.shape[1], 1) / held.shape[0]  # many controls explain something by chance
    return np.asarray(1 - (left**2).sum(axis=1) / np.maximum((x**2).sum(axis=1), 1e-12) / freedom)


def _with_controls(design: Design, limits: Limits) -> list[Warning]:
    warnings = []
    for name, share in zip(design.data.media_names, control_overlap(design), strict=True):
        if share > limits.control_review:
            warnings.append(
                Warning(
                    "channel_moves_with_controls",
                    "high" if share > limits.control_withhold else "medium",
                    name,
                    f"The controls explain {share:.0%} of the variation of {name}, so the effects of {name} and of the"
                    " controls cannot be separated.",
                    f"Leave out a control that is only another record of {name} (clicks, bookings), or vary {name} on"
                    " its own for some weeks.",
                )
            )
    return warnings


def _refuse_computed_kpi(design: Design, limits: Limits) -> None:
    """Raises ValueError for a KPI without any noise: it was computed, not measured, and cannot be sampled."""
    columns = design.baseline.columns.reshape(len(design.baseline.names), -1)
    y = design.y.ravel()
    if len(y) <= len(columns):
        return
    # normal equations instead of least squares on the rows of a panel: 20 times faster
    left = y - np.linalg.pinv(columns @ columns.T) @ (columns @ y) @ columns
    if np.sqrt((left**2).mean()) < limits.noise_refuse * np.abs(y).mean():
        raise MMMError(
            f"column {design.data.kpi_name!r} is given exactly by its trend, season and controls: it was computed, not"
            " measured, and says nothing about media. Deliver the KPI as booked"
        )


def _kpi(design: Design, limits: Limits) -> list[Warning]:
    zero = float((design.data.kpi == 0).mean())
    if zero <= limits.zero_kpi_share:
        return []
    return [
        Warning(
            "many_zero_kpi",
            "medium",
            design.data.kpi_name,
            f"{design.data.kpi_name} is zero in {zero:.0%} of the rows; a model with symmetric noise fits such data"
            " badly.",
            "Use coarser periods or regions, or an earlier KPI (leads instead of orders).",
        )
    ]
