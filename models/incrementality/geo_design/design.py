"""Design a geo test: screen every set in closed form, simulate the best, validate the winners on unused days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl

from models.incrementality.geo.estimator import Estimator
from models.incrementality.geo.geo_design import GeoDesign, Kind
from models.incrementality.geo.panel import GeoPanel, PanelError
from models.incrementality.geo_design.history_check import survives_its_history
from models.incrementality.geo_design.power import NullWindow, detectable_lift
from models.incrementality.geo_design.score import History, PanelRequest, methods_by_size, scored, windows_of
from models.incrementality.geo_design.screening import Screened, allowed, candidate_sets, screen
from models.incrementality.inversion import exact_alpha

SIMULATED = 100
DOUBTFUL = "found an effect on earlier days, where nothing was done, or were not followed by their controls"


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
    apart: Sequence[tuple[object, object]] = (),
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
    """The `count` best designs of a test of `duration` periods, smallest promised lift first.

    `must` and `never` name geos that are or are not treated, `exclude` those left out altogether, `together` pairs
    (neighbours) that may not be split between treatment and control, `apart` matched pairs of which exactly one is
    treated; `most_share` caps the treated share of the KPI.
    The last windows of the history are kept back: screening, ranking and the choice of method use the days before
    them, the reported `mde` is the larger of what both say. Sets that the read's own checks of the history would make
    invalid are rejected, so that the promise is one of usable results. Money needs `target_iroas` (KPI per unit of
    spend that would be worth it), `margin`, and for go-dark and holdback the panel's spend; a `budget` drops designs
    that need more. Raises PanelError
    when the history is too short or no set satisfies the constraints.
    """
    data = panel if isinstance(panel, GeoPanel) else GeoPanel.from_frame(panel)
    excluded = data.rows_of(exclude, "excluded")
    used = [row for row in range(len(data.geos)) if row not in excluded]
    if duration < 1 or not sizes or min(sizes) < 1:
        raise PanelError(f"duration={duration}, sizes={tuple(sizes)}: both count from 1")
    constraints = TreatmentConstraints.of(data, used, must=must, never=never, together=together, apart=apart)
    history = History.split(data, duration, used)
    feasible, rejected = screened(
        data.kpi[used, : history.choice_periods],
        constraints,
        sizes,
        duration,
        level=level,
        power=power,
        most_share=most_share,
        correlation_floor=correlation_floor,
        candidates=candidates,
        seed=seed,
    )
    request = PanelRequest(
        data, duration, kind, level, power, tuple(excluded), margin, target_iroas, seed, start, cooldown
    )
    best = np.argsort(feasible.detectable, kind="stable")[:SIMULATED]
    groups = [tuple(used[row] for row in np.flatnonzero(feasible.sets[position])) for position in best]
    methods = methods_by_size(request, groups, history.choice_periods)
    simulated = []
    for group, position in zip(groups, best, strict=True):
        windows = windows_of(request, group, history.looked_at, methods[len(group)])
        simulated.append((detectable_lift(windows, power), group, float(feasible.correlation[position]), windows))
    simulated.sort(key=lambda entry: (entry[0], entry[1]))
    designs: list[GeoDesign] = []
    doubtful = []
    for claimed, group, correlation, windows in simulated:
        if not survives_its_history(request, group, methods[len(group)]):
            rejected[DOUBTFUL] = rejected.get(DOUBTFUL, 0) + 1
            doubtful.append((claimed, group, correlation, windows))
            continue
        made = scored(request, methods[len(group)], group, claimed, correlation, windows, history)
        if budget is not None and made.spend_needed is not None and made.spend_needed > budget:
            rejected["needs more than the budget"] = rejected.get("needs more than the budget", 0) + 1
            continue
        designs.append(made)
        if len(designs) == count:
            break
    if not designs and doubtful:
        designs = _doubtful_designs(request, methods, doubtful[:count], history, budget)
    if not designs:
        raise PanelError(f"no design fits the budget of {budget:,.0f} ({_counts(rejected)})")
    return _ranked(designs, rejected)


def _doubtful_designs(
    request: PanelRequest,
    methods: dict[int, Estimator],
    groups: Sequence[tuple[float, tuple[int, ...], float, Sequence[NullWindow]]],
    history: History,
    budget: float | None,
) -> list[GeoDesign]:
    """Designs for a country in which every set fails a check of its history, each saying so."""
    said = "its own checks of the days before it would make the test invalid, as of every other set: do not run it"
    made: list[GeoDesign] = []
    for claimed, group, correlation, windows in groups:
        design = scored(request, methods[len(group)], group, claimed, correlation, windows, history)
        if budget is None or design.spend_needed is None or design.spend_needed <= budget:
            made.append(replace(design, reasons=(*design.reasons, said)))
    return made


@dataclass(frozen=True)
class TreatmentConstraints:
    """Who must, may not, or may only together or apart be treated, as positions among the geos that are used."""

    must: tuple[int, ...]
    never: tuple[int, ...]
    together: tuple[tuple[int, int], ...]
    apart: tuple[tuple[int, int], ...]

    @classmethod
    def of(
        cls,
        panel: GeoPanel,
        used: Sequence[int],
        *,
        must: Sequence[object] = (),
        never: Sequence[object] = (),
        together: Sequence[tuple[object, object]] = (),
        apart: Sequence[tuple[object, object]] = (),
    ) -> TreatmentConstraints:
        """Raises PanelError for a contradiction, an unknown geo and a constraint on an excluded one."""
        forced, barred = panel.rows_of(must, "must-treat"), panel.rows_of(never, "never-treat")
        if both := set(forced) & set(barred):
            raise PanelError(f"geo {panel.geos[min(both)]!r} must be treated and may not be: it can only be one")
        pairs = [[panel.rows_of(pair, "paired") for pair in kind] for kind in (together, apart)]
        for row in (*forced, *(row for kind in pairs for pair in kind for row in pair)):
            if row not in used:
                raise PanelError(
                    f"geo {panel.geos[row]!r} must be treated or is paired and is excluded: it can only be one"
                )
        place = {row: position for position, row in enumerate(used)}
        placed = [tuple((place[a], place[b]) for a, b in kind) for kind in pairs]
        return cls(
            tuple(place[row] for row in forced),
            tuple(place[row] for row in barred if row in place),
            placed[0],
            placed[1],
        )


def screened(
    kpi: np.ndarray,
    constraints: TreatmentConstraints,
    sizes: Sequence[int],
    duration: int,
    *,
    level: float,
    power: float,
    most_share: float,
    correlation_floor: float,
    candidates: int,
    seed: int,
) -> tuple[Screened, dict[str, int]]:
    """All sets that satisfy the constraints with their closed-form detectable lift, and counts of the rejected sets.

    `kpi` (N, T) holds the days that may decide. Raises PanelError when nothing is left.
    """
    sets = candidate_sets(kpi.shape[0], sizes, constraints.must, constraints.never, most=candidates, seed=seed)
    sets = sets[(sets.shape[1] - sets.sum(axis=1)) >= np.maximum(3, sets.sum(axis=1) + 1)]
    sets, rejected = allowed(
        sets, kpi.sum(axis=1), most_share=most_share, together=constraints.together, apart=constraints.apart
    )
    if sets.shape[0] == 0:
        raise PanelError(f"no set of {', '.join(map(str, sizes))} geos satisfies the constraints ({_counts(rejected)})")
    alpha = float(exact_alpha(level))
    feasible = screen(kpi, sets, duration, alpha=alpha, power=power, correlation_floor=correlation_floor)
    rejected |= feasible.rejected
    if feasible.sets.shape[0] == 0:
        raise PanelError(f"no set follows the other geos closely enough ({_counts(rejected)}): lower correlation_floor")
    return feasible, rejected


def draw_design(designs: Sequence[GeoDesign], *, seed: int) -> GeoDesign:
    """One of the accepted designs drawn at random, which makes the test a randomised one."""
    if not designs:
        raise ValueError("there is no accepted design to draw from")
    return designs[int(np.random.default_rng(seed).integers(len(designs)))]


def _ranked(designs: Sequence[GeoDesign], rejected: dict[str, int]) -> list[GeoDesign]:
    ordered = sorted(designs, key=lambda d: (d.mde, d.cost if d.cost is not None else 0.0, d.scaled_l2, d.treated))
    sets = tuple(design.treated for design in ordered)
    ranked = []
    for place, design in enumerate(ordered):
        behind = design.mde - ordered[0].mde
        rank = (
            "the smallest detectable lift of all designs"
            if place == 0
            else f"{100 * behind:.2f} percentage points behind the best"
        )
        ranked.append(
            replace(
                design,
                accepted=sets,
                rejected=tuple(sorted(rejected.items())),
                reasons=(f"rank {place + 1}: {rank}", *design.reasons),
            )
        )
    return ranked


def _counts(rejected: dict[str, int]) -> str:
    return "; ".join(f"{count} {reason}" for reason, count in sorted(rejected.items()) if count) or "none was possible"
