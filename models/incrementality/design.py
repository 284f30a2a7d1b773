"""Design a geo test: screen every set in closed form, simulate the best, prove the winners on days nobody has seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl

from models.incrementality.auto import choose
from models.incrementality.classic import paper_fit
from models.incrementality.design_result import AnalysisPlan, GeoDesign, Kind
from models.incrementality.estimator import Estimator
from models.incrementality.inversion import exact_alpha
from models.incrementality.panel import GeoPanel, PanelError
from models.incrementality.power import NullWindow, detectable_lift, null_windows, power_at, windows_before
from models.incrementality.screening import allowed, candidate_sets, screen

VALIDATION_WINDOWS = 2
SELECTION_WINDOWS = 3
SIMULATED = 100
SHORTEST_HISTORY = 15  # periods to fit on before the first simulated window
CURVE = tuple(round(0.01 * step, 2) for step in range(31))
CURSE = 0.10  # distance of claimed and validated power that is pointed out


@dataclass(frozen=True)
class _Request:
    """What was asked for, in rows of the panel."""

    panel: GeoPanel
    duration: int
    kind: Kind
    level: float
    power: float
    never: tuple[int, ...]
    excluded: tuple[int, ...]
    margin: float | None
    target_iroas: float | None
    budget: float | None
    seed: int


def design_geo(
    panel: pl.DataFrame | pl.LazyFrame | GeoPanel,
    *,
    duration: int,
    seed: int,
    sizes: Sequence[int] = (1, 2, 3, 4),
    kind: Kind = "heavy_up",
    start: date | None = None,
    cooldown: int = 0,
    must: Sequence[object] = (),
    never: Sequence[object] = (),
    exclude: Sequence[object] = (),
    together: Sequence[tuple[object, object]] = (),
    most_share: float = 0.5,
    correlation_floor: float = 0.0,
    level: float = 0.9,
    power: float = 0.8,
    margin: float | None = None,
    target_iroas: float | None = None,
    budget: float | None = None,
    candidates: int = 100_000,
    count: int = 10,
) -> list[GeoDesign]:
    """The `count` best designs of a test of `duration` periods, smallest validated detectable lift first.

    `must` and `never` name geos that are or are not treated, `exclude` those left out altogether, `together` pairs
    (neighbours) that may not be split between treatment and control; `most_share` caps the treated share of the KPI.
    The last windows of the history are kept back: screening, ranking and the choice of method use the days before
    them, the reported `mde` only them. Money needs `target_iroas` (KPI per unit of spend that would be worth it),
    `margin`, and for go-dark and holdback the panel's spend; a `budget` drops designs that need more. Raises PanelError
    when the history is too short or no set satisfies the constraints.
    """
    data = panel if isinstance(panel, GeoPanel) else GeoPanel.from_frame(panel)
    excluded = data.rows_of(exclude, "excluded")
    used = [row for row in range(len(data.geos)) if row not in excluded]
    forced, barred = data.rows_of(must, "must-treat"), data.rows_of(never, "never-treat")
    if both := set(forced) & (set(barred) | set(excluded)):
        raise PanelError(f"geo {data.geos[min(both)]!r} must be treated and may not be: it can only be one")
    if duration < 1 or not sizes or min(sizes) < 1:
        raise PanelError(f"duration={duration}, sizes={tuple(sizes)}: both count from 1")
    pairs = [(used.index(a), used.index(b)) for a, b in (data.rows_of(pair, "paired") for pair in together)]
    kept_back = _kept_back(len(data.dates), duration)
    known = kept_back[-1][0] if kept_back else 0
    looked_at = windows_before(known, duration, SELECTION_WINDOWS, SHORTEST_HISTORY)
    if not kept_back or not looked_at:
        raise PanelError(
            f"{len(data.dates)} periods of history are too few for a test of {duration}:"
            f" {max(SHORTEST_HISTORY, duration) + 2 * duration}"
            " are needed to choose a design and to prove it on days it was not chosen on"
        )
    _refuse_constant_history(data, used, known)
    sets = candidate_sets(
        len(used),
        sizes,
        [used.index(row) for row in forced],
        [used.index(row) for row in barred],
        most=candidates,
        seed=seed,
    )
    sets = sets[(sets.shape[1] - sets.sum(axis=1)) >= np.maximum(3, sets.sum(axis=1) + 1)]
    sets, rejected = allowed(sets, data.kpi[used, :known].sum(axis=1), most_share=most_share, together=pairs)
    if sets.shape[0] == 0:
        raise PanelError(f"no set of {', '.join(map(str, sizes))} geos satisfies the constraints ({_counts(rejected)})")
    found = screen(
        data.kpi[used, :known],
        sets,
        duration,
        alpha=float(exact_alpha(level)),
        power=power,
        correlation_floor=correlation_floor,
    )
    rejected |= found.rejected
    if found.sets.shape[0] == 0:
        raise PanelError(f"no set follows the other geos closely enough ({_counts(rejected)}): lower correlation_floor")
    request = _Request(
        data, duration, kind, level, power, tuple(barred), tuple(excluded), margin, target_iroas, budget, seed
    )
    best = np.argsort(found.detectable, kind="stable")[:SIMULATED]
    groups = [tuple(used[row] for row in np.flatnonzero(found.sets[position])) for position in best]
    methods = _methods(request, groups, known)
    simulated = []
    for group, position in zip(groups, best, strict=True):
        windows = _windows(request, group, looked_at, methods[len(group)])
        simulated.append((detectable_lift(windows, power), group, float(found.correlation[position]), windows))
    simulated.sort(key=lambda entry: (entry[0], entry[1]))
    designs = []
    for claimed, group, correlation, windows in simulated:
        plan = AnalysisPlan(
            start, duration, cooldown, data.grain, methods[len(group)].name, level, _decision(level, margin)
        )
        proof = _windows(request, group, kept_back, methods[len(group)])
        made = _design(request, plan, group, claimed, correlation, windows, proof, known)
        if budget is not None and made.spend_needed is not None and made.spend_needed > budget:
            rejected["needs more than the budget"] = rejected.get("needs more than the budget", 0) + 1
            continue
        designs.append(made)
        if len(designs) == count:
            break
    if not designs:
        raise PanelError(f"no design fits the budget of {budget:,.0f} ({_counts(rejected)})")
    return _ranked(designs, rejected)


def _kept_back(periods: int, duration: int) -> list[tuple[int, int]]:
    """Windows for validation; a short history gives one and leaves one to choose on."""
    usual = windows_before(periods, duration, VALIDATION_WINDOWS, SHORTEST_HISTORY + 2 * duration)
    return usual or windows_before(periods, duration, 1, max(SHORTEST_HISTORY, duration) + duration)


def draw_design(designs: Sequence[GeoDesign], *, seed: int) -> GeoDesign:
    """One of the accepted designs by lot: what makes the test a randomised one."""
    if not designs:
        raise ValueError("there is no accepted design to draw from")
    return designs[int(np.random.default_rng(seed).integers(len(designs)))]


def _methods(request: _Request, groups: Sequence[tuple[int, ...]], known: int) -> dict[int, Estimator]:
    """The estimator per group size, chosen on the days that may decide; the first group of a size stands for it."""
    chosen: dict[int, Estimator] = {}
    for group in groups:
        if len(group) not in chosen:
            history = request.panel.kpi[:, :known]
            donors = [r for r in range(history.shape[0]) if r not in set(group) | set(request.excluded)]
            picked = choose(history[list(group)], history[donors], request.duration, seed=request.seed)
            chosen[len(group)] = picked.estimator
    return chosen


def _windows(
    request: _Request, group: tuple[int, ...], windows: Sequence[tuple[int, int]], estimator: Estimator
) -> list[NullWindow]:
    return null_windows(
        request.panel.kpi,
        group,
        windows,
        estimator,
        level=request.level,
        seed=request.seed,
        exclude=request.excluded,
    )


def _design(
    request: _Request,
    plan: AnalysisPlan,
    group: tuple[int, ...],
    claimed: float,
    correlation: float,
    windows: Sequence[NullWindow],
    proof: Sequence[NullWindow],
    known: int,
) -> GeoDesign:
    panel, duration = request.panel, request.duration
    validated = detectable_lift(proof, request.power)
    controls = [r for r in range(len(panel.geos)) if r not in set(group) | set(request.excluded)]
    tested, donors = panel.kpi[list(group), :known], panel.kpi[controls, :known]
    pre = known - duration
    fit = paper_fit(tested.mean(axis=0), donors, pre, "difp")
    uniform = paper_fit(tested.mean(axis=0), donors, pre, "did")
    recent = panel.kpi[list(group), -duration:].sum()
    units = validated * float(recent)
    spend, iroas, cost = _money(request, group, units)
    validated_power = power_at(proof, claimed)
    reasons = [
        f"on days no choice has seen, a lift of {validated:.1%} would be found with {request.power:.0%} chance",
        f"on the days it was chosen on, {claimed:.1%} was enough",
    ]
    if abs(validated_power - request.power) > CURSE:
        reasons.append(
            f"winner's curse: at {claimed:.1%} the chance on unseen days is {validated_power:.0%},"
            f" not {request.power:.0%}"
        )
    return GeoDesign(
        treated=tuple(panel.geos[row] for row in group),
        controls=tuple(panel.geos[row] for row in controls),
        excluded=tuple(panel.geos[row] for row in request.excluded),
        kind=request.kind,
        plan=plan,
        mde=validated,
        mde_claimed=claimed,
        power=request.power,
        validated_power=validated_power,
        correlation=correlation,
        scaled_l2=fit.l2 / uniform.l2,
        share_of_kpi=float(tested.sum() / (tested.sum() + donors.sum())),
        mde_units=units,
        spend_needed=spend,
        mde_iroas=iroas,
        cost=cost,
        reasons=tuple(reasons),
        rejected=(),
        accepted=(),
        power_curve=tuple((lift, power_at(windows, lift), power_at(proof, lift)) for lift in CURVE),
        data_sha256=panel.sha256(),
        data_until=panel.last_day,
        seed=request.seed,
    )


def _money(request: _Request, group: tuple[int, ...], units: float) -> tuple[float | None, float | None, float | None]:
    """Spend at stake, the smallest return it would show, and the cost in margin if the effect is as hoped.

    Heavy-up: the spend whose hoped-for return is just the detectable lift; it costs what the margin does not bring
    back. Go-dark and holdback: the treated geos' recent spend is saved, and the margin on its hoped-for return lost.
    """
    target, margin, spend = request.target_iroas, request.margin, request.panel.spend
    if request.kind == "heavy_up":
        if target is None:
            return None, None, None
        needed = units / target
        return needed, target, None if margin is None else needed - margin * units
    if spend is None:
        return None, None, None
    saved = float(spend[list(group), -request.duration :].sum())
    lost = None if target is None or margin is None else margin * target * saved - saved
    return saved, units / saved if saved > 0 else None, lost


def _ranked(designs: Sequence[GeoDesign], rejected: dict[str, int]) -> list[GeoDesign]:
    ordered = sorted(designs, key=lambda d: (d.mde, d.cost if d.cost is not None else 0.0, d.scaled_l2, d.treated))
    sets = tuple(design.treated for design in ordered)
    told = []
    for place, design in enumerate(ordered):
        behind = design.mde - ordered[0].mde
        rank = (
            "the smallest detectable lift of all designs"
            if place == 0
            else f"{100 * behind:.2f} percentage points behind the best"
        )
        told.append(
            replace(
                design,
                accepted=sets,
                rejected=tuple(sorted(rejected.items())),
                reasons=(f"rank {place + 1}: {rank}", *design.reasons),
            )
        )
    return told


def _decision(level: float, margin: float | None) -> str:
    if margin is None:
        return f"the {level:.0%} range of the effect decides: above zero scale, holding zero and large effects repeat"
    return f"scale if the {level:.0%} range of profit at a margin of {margin:g} lies above zero, else keep or repeat"


def _refuse_constant_history(panel: GeoPanel, used: Sequence[int], known: int) -> None:
    for row in used:
        if np.ptp(panel.kpi[row, :known]) == 0:
            raise PanelError(
                f"geo {panel.geos[row]!r} has the same KPI ({panel.kpi[row, 0]:g}) from {panel.dates[0]} to"
                f" {panel.dates[known - 1]}: leave it out with exclude"
            )


def _counts(rejected: dict[str, int]) -> str:
    return "; ".join(f"{count} {reason}" for reason, count in sorted(rejected.items()) if count) or "none was possible"
