"""Design a multi-cell test: several treatments in disjoint sets of geos that share one group of controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl

from models.incrementality.geo.estimator import Estimator
from models.incrementality.geo.geo_design import CellsDesign, Kind
from models.incrementality.geo.panel import GeoPanel, PanelError
from models.incrementality.geo_design.design import TreatmentConstraints, screened
from models.incrementality.geo_design.power import detectable_lift
from models.incrementality.geo_design.score import History, PanelRequest, methods_by_size, scored, windows_of

POOL = 400  # sets with the smallest closed-form detectable lift, from which cells are put together
DRAWN = 4_000  # combinations drawn from the pool
SIMULATED = 30  # combinations simulated


def design_cells(
    panel: pl.DataFrame | pl.LazyFrame | GeoPanel,
    cells: Mapping[str, Kind],
    *,
    duration: int,
    size: int,
    seed: int,
    start: date | None = None,
    cooldown: int = 0,
    never: Sequence[object] = (),
    exclude: Sequence[object] = (),
    together: Sequence[tuple[object, object]] = (),
    most_share: float = 0.5,
    level: float = 0.9,
    power: float = 0.8,
    margin: float | None = None,
    target_iroas: float | None = None,
    candidates: int = 100_000,
    count: int = 5,
) -> list[CellsDesign]:
    """The `count` best ways to give each of `cells` (name -> kind) `size` geos, best weakest cell first.

    Sets are screened as in `design_geo`; combinations of disjoint ones are simulated on the days that may decide, each
    cell without the other cells' geos, and the best are proved on windows no choice has seen. `most_share` caps the KPI
    of all cells together, pairs of `together` may be split neither between cells nor from one to the controls. Raises
    PanelError when no disjoint cells leave enough controls.
    """
    data = panel if isinstance(panel, GeoPanel) else GeoPanel.from_frame(panel)
    if len(cells) < 2:
        raise PanelError("a multi-cell test has at least two cells; plan one with design_geo")
    excluded = data.rows_of(exclude, "excluded")
    used = [row for row in range(len(data.geos)) if row not in excluded]
    left = len(used) - size * len(cells)
    if size < 1 or duration < 1 or left < size * len(cells) + 3:
        raise PanelError(
            f"{len(cells)} cells of {size} geos leave {left} of {len(used)} as controls: at least"
            f" {size * len(cells) + 3} are needed to draw placebo cells from; make the cells smaller or fewer"
        )
    history = History.split(data, duration, used)
    kpi = data.kpi[used, : history.choice_periods]
    constraints = TreatmentConstraints.of(data, used, never=never, together=together)
    feasible, _ = screened(
        kpi,
        constraints,
        (size,),
        duration,
        level=level,
        power=power,
        most_share=most_share,
        correlation_floor=0.0,
        candidates=candidates,
        seed=seed,
    )
    share = feasible.sets @ kpi.sum(axis=1) / kpi.sum()
    drawn = _disjoint(feasible.sets, feasible.detectable, share, len(cells), most_share, seed)
    if not drawn:
        raise PanelError(f"no {len(cells)} disjoint sets of {size} geos hold at most {most_share:.0%} of the KPI")
    base = PanelRequest(
        data, duration, "heavy_up", level, power, tuple(excluded), margin, target_iroas, seed, start, cooldown
    )
    groups = [
        [tuple(used[row] for row in np.flatnonzero(feasible.sets[one])) for one in combination] for combination in drawn
    ]
    estimator = methods_by_size(base, groups[0][:1], history.choice_periods)[size]
    claims = [
        [
            detectable_lift(windows_of(_without(base, own, group), group, history.looked_at, estimator), power)
            for group in own
        ]
        for own in groups
    ]
    best = sorted(range(len(groups)), key=lambda place: (max(claims[place]), groups[place]))[:count]
    made = [_proved(base, cells, groups[place], claims[place], estimator, history) for place in best]
    made.sort(key=lambda design: (design.mde, tuple(design.geos.values())))
    accepted = tuple(tuple(design.geos.values()) for design in made)
    return [
        replace(
            design,
            accepted=accepted,
            reasons=(f"rank {place + 1}: the weakest cell finds a lift of {design.mde:.1%} with {power:.0%} chance",),
        )
        for place, design in enumerate(made)
    ]


def _disjoint(
    sets: np.ndarray, detectable: np.ndarray, share: np.ndarray, cells: int, most_share: float, seed: int
) -> list[tuple[int, ...]]:
    """Combinations of disjoint sets (positions) with the smallest closed-form lift of their weakest cell."""
    pool = np.argsort(detectable, kind="stable")[:POOL]
    clash = sets[pool] @ sets[pool].T > 0
    draw = np.random.default_rng(seed)
    largest_detectable: dict[tuple[int, ...], float] = {}
    for _ in range(DRAWN):
        chosen: list[int] = []
        open_places = np.ones(pool.size, dtype=bool)
        while len(chosen) < cells and open_places.any():
            # Early places hold the better sets: draw among the best third of what is still open.
            still = np.flatnonzero(open_places)
            chosen.append(int(still[draw.integers(-(-still.size // 3))]))
            open_places &= ~clash[chosen[-1]]
        members = tuple(sorted(int(pool[place]) for place in chosen))
        if len(chosen) == cells and share[list(members)].sum() <= most_share:
            largest_detectable[members] = float(detectable[list(members)].max())
    return sorted(largest_detectable, key=lambda members: (largest_detectable[members], members))[:SIMULATED]


def _without(base: PanelRequest, own: Sequence[tuple[int, ...]], group: tuple[int, ...]) -> PanelRequest:
    others = tuple(row for other in own if other != group for row in other)
    return replace(base, excluded=(*base.excluded, *others))


def _proved(
    base: PanelRequest,
    cells: Mapping[str, Kind],
    own: Sequence[tuple[int, ...]],
    claims: Sequence[float],
    estimator: Estimator,
    history: History,
) -> CellsDesign:
    designs = []
    for (name, kind), group, claimed in zip(cells.items(), own, claims, strict=True):
        request = replace(_without(base, own, group), kind=kind)
        windows = windows_of(request, group, history.looked_at, estimator)
        rest = [row for row in range(len(base.panel.geos)) if row not in {*group, *request.excluded}]
        choice_kpi = base.panel.kpi[:, : history.choice_periods]
        correlation = float(np.corrcoef(choice_kpi[list(group)].mean(axis=0), choice_kpi[rest].mean(axis=0))[0, 1])
        designs.append((name, scored(request, estimator, group, claimed, correlation, windows, history)))
    return CellsDesign(tuple(designs), (), ())
