"""The baseline, sales without media: the columns of trend, season, weekday, controls and regional levels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.mmm.panel.panel import MMMData
from models.mmm.spec import MMMSpec
from models.periods import PERIODS_PER_WEEK, year_phase, years_since_start

GROUPS = ("trend", "season", "controls", "events", "geo")
# Median and log-sd of each group's learned spread, in units of the KPI's own movement.
GROUP_SPREAD = {
    "trend": (0.15, 1.0),
    "season": (0.4, 0.8),
    "controls": (0.2, 0.8),
    "events": (0.3, 1.0),
    "geo": (0.3, 1.0),
}
FIXED = -1


@dataclass(frozen=True, eq=False)
class Baseline:
    """Linear columns with their priors: w_k ~ Normal(0, scale_k * spread of its group), group -1 means spread 1.

    columns (P, G, T); component (P,) is the line of the decomposition a column is booked under.
    """

    names: tuple[str, ...]
    component: tuple[str, ...]
    columns: np.ndarray
    scale: np.ndarray
    group: np.ndarray
    groups: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class BaselineConstants:
    """Everything about the baseline that is frozen at the first fit, so that a refresh means the same columns.

    `centres` is the usual volume per size of each mediator, `control_centre` and `control_width` scale the controls.
    """

    start: int
    span_years: float
    knots: tuple[float, ...]
    harmonics: int
    centres: dict[str, float]
    control_centre: tuple[float, ...]
    control_width: tuple[float, ...]
    movement: float


def freeze(data: MMMData, spec: MMMSpec, movement: float) -> BaselineConstants:
    """Knots, harmonics and the controls' centre and spread as the first fit sees them."""
    years = years_since_start(data.dates)
    span = float(years[-1]) + 1e-9
    spacing = spec.trend_knots_every_weeks * 7 / 365.25
    count = max(int(span // spacing), 1)
    edges = np.linspace(0.0, span, count + 1)
    harmonics = spec.season_harmonics
    if harmonics is None:
        harmonics = {"day": 5, "week": 5, "month": 3}[data.grain]
        if span < 2.0:
            harmonics = 2 if span >= 0.9 else (1 if span >= 0.45 else 0)
    lists = np.concatenate([data.controls, data.treatments], axis=2)
    return BaselineConstants(
        start=data.dates[0].toordinal(),
        span_years=span,
        knots=tuple(edges) if count >= 2 else (),
        harmonics=harmonics,
        centres={},
        control_centre=tuple(data.controls.mean(axis=(0, 1))) + data.treatment_baselines,
        control_width=tuple(max(float(lists[:, :, k].std()), 1e-12) for k in range(lists.shape[2])),
        movement=movement,
    )


def build(data: MMMData, spec: MMMSpec, frozen: BaselineConstants) -> Baseline:
    """The columns over the periods of `data` under frozen constants."""
    shape = data.kpi.shape
    years = np.array([(d.toordinal() - frozen.start) / 365.25 for d in data.dates])
    phase = year_phase(data.dates)
    unit = frozen.movement
    rows: list[tuple[str, str, np.ndarray, float, str | None]] = []
    if len(data.geos) == 1:  # several regions have a level each; one more for all would be collinear with them
        rows.append(("intercept", "baseline", np.ones(shape), 3.0, None))

    def over_time(name: str, component: str, values: np.ndarray, scale: float, group: str | None) -> None:
        rows.append((name, component, np.broadcast_to(values, shape), scale, group))

    over_time("slope", "trend", years / frozen.span_years - 0.5, 3.0 * unit, None)
    for date in spec.change_points:  # declared, so not shrunk: the data say how far the level stepped
        after = np.array([d >= date for d in data.dates], dtype=float)
        over_time(f"step_{date}", "trend", after - 0.5, 3.0 * unit, None)
    if spec.trend == "gp":
        for k, (bend, share) in enumerate(_smooth_curve(years, frozen.span_years, spec.gp_length_weeks), start=1):
            over_time(f"smooth_{k}", "trend", bend, 3.0 * unit * share, "trend")
    ramps = zip(frozen.knots[:-1], frozen.knots[1:], strict=True) if frozen.knots and spec.trend == "knots" else ()
    for left, right in ramps:
        ramp = np.clip((years - left) / (right - left), 0.0, 1.0)
        over_time(f"level_change_{left:.2f}y", "trend", ramp - 0.5, 3.0 * unit, "trend")
    for k in range(1, frozen.harmonics + 1):
        for name, wave in (("sin", np.sin), ("cos", np.cos)):
            over_time(f"{name}_{k}", "seasonality", wave(2 * np.pi * k * phase), 2.0 * unit / k**0.5, "season")
    if data.grain == "day" and spec.weekday:
        weekday = np.array([d.weekday() for d in data.dates])
        for k in range(6):
            over_time(f"weekday_{k}", "seasonality", (weekday == k) - 1 / 7, 3.0 * unit, None)
    roles = data.control_roles + ("treatment",) * len(data.treatment_names)
    values = np.concatenate([data.controls, data.treatments], axis=2)
    for k, (name, role) in enumerate(zip(data.control_names + data.treatment_names, roles, strict=True)):
        column = (values[:, :, k] - frozen.control_centre[k]) / frozen.control_width[k]
        component = {"treatment": name, "event": "events"}.get(role, "controls")
        rows.append((name, component, column, 2.0 * unit, {"precision": "controls", "event": "events"}.get(role)))
    for g, geo in enumerate(data.geos if len(data.geos) > 1 else ()):
        own = np.zeros(shape)
        own[g] = 1.0
        rows.append((f"level_{geo}", "baseline", own, 3.0, None))
        if spec.geo_trend:
            tilt = own * (years / frozen.span_years - 0.5)
            rows.append((f"slope_{geo}", "trend", tilt, 3.0 * unit, "geo"))
    used = tuple(g for g in GROUPS if any(row[4] == g for row in rows))
    return Baseline(
        names=tuple(r[0] for r in rows),
        component=tuple(r[1] for r in rows),
        columns=np.stack([np.asarray(r[2], dtype=float) for r in rows]),
        scale=np.array([r[3] for r in rows]),
        group=np.array([FIXED if r[4] is None else used.index(r[4]) for r in rows]),
        groups=used,
    )


def _smooth_curve(years: np.ndarray, span: float, length_weeks: float) -> list[tuple[np.ndarray, float]]:
    """Waves (T,) and relative sds that together are a squared-exponential Gaussian process over the window.

    Hilbert-space approximation on an interval twice as long as the window, for a process of unit sd.
    Source: Solin and Saerkkae (2020), equations 56 and 60.
    """
    length = length_weeks * 7 / 365.25
    half = max(span / 2, 1e-9)
    edge = 2.0 * half
    count = int(min(max(np.ceil(2.2 * edge / length), 3), 40))
    t = years - half
    out = []
    for k in range(1, count + 1):
        root = np.pi * k / (2 * edge)
        density = np.sqrt(2 * np.pi) * length * np.exp(-0.5 * (length * root) ** 2)
        out.append((np.sin(root * (t + edge)) / np.sqrt(edge), float(np.sqrt(density))))
    return out


def taps(spec: MMMSpec, data: MMMData) -> int:
    """Number of carryover periods, at most the length of the data."""
    return int(min(max(round(spec.max_lag_weeks * PERIODS_PER_WEEK[data.grain]) + 1, 2), len(data.dates)))
