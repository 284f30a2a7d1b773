"""Several tests side by side in one panel: each cell's effect, and whether one beats another, at one joint level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations

import numpy as np
import polars as pl

from models.incrementality.geo.donor_weights import fit_targets
from models.incrementality.geo.estimator import Estimator
from models.incrementality.geo.estimator_choice import choice_of
from models.incrementality.geo.geo_design import CellsDesign, GeoDesign
from models.incrementality.geo.panel import GeoPanel, PanelError
from models.incrementality.geo.placebo import on_scale
from models.incrementality.geo.read import read_geo
from models.incrementality.geo.window import GeoTest
from models.incrementality.inversion import rank_form
from models.incrementality.result import LiftResult

DRAWS = 999


@dataclass(frozen=True)
class CellsResult:
    """Each cell's own read, and ranges that hold for all cells, and for all differences, at once.

    Frames: `simultaneous` cell, att, low, high (per geo and period; a share of the KPI on logarithms); `differences`
    first, second, difference, low, high. `winner` beats every other cell with its difference's range above zero.
    """

    cells: Mapping[str, LiftResult]
    simultaneous: pl.DataFrame
    differences: pl.DataFrame
    winner: str | None
    method: str
    draws: int
    seed: int


def read_cells(
    panel: pl.DataFrame | pl.LazyFrame | GeoPanel,
    cells: Mapping[str, Sequence[object]] | CellsDesign,
    *,
    start: date,
    end: date,
    method: str = "auto",
    level: float = 0.9,
    seed: int,
    margin: float | None = None,
) -> CellsResult:
    """Read a multi-cell test: no cell serves as control of another, all share the untreated geos.

    The joint ranges come from drawing disjoint placebo cells of the same sizes from the controls. Of a frozen
    `CellsDesign` the geos, exclusions and method are used, and each cell's read says where it departs from its plan.
    Raises PanelError for fewer than two cells, a geo in two cells, or too few controls to draw the cells from.
    """
    designs: dict[str, GeoDesign] = {}
    if isinstance(cells, CellsDesign):
        designs, cells = dict(cells.cells), cells.geos
        method = next(iter(designs.values())).plan.method if method == "auto" else method
    data = panel if isinstance(panel, GeoPanel) else GeoPanel.from_frame(panel)
    if len(cells) < 2:
        raise PanelError("a multi-cell test has at least two cells; read one cell with read_geo")
    rows = {name: data.rows_of(geos, f"cell {name!r}") for name, geos in cells.items()}
    owner: dict[int, str] = {}
    for name, members in rows.items():
        for row in members:
            if row in owner:
                raise PanelError(f"geo {data.geos[row]!r} is in cell {owner[row]!r} and in cell {name!r}")
            owner[row] = name
    everyone = [data.geos[row] for row in owner]
    planned_out = sorted({geo for design in designs.values() for geo in design.excluded} - set(everyone))
    pooled = GeoTest.on(data, everyone, start=start, end=end, exclude=planned_out)
    estimator = choice_of(pooled, method, seed).estimator
    reads = {
        name: read_geo(
            data,
            designs.get(name) or [data.geos[row] for row in members],
            start=start,
            end=end,
            method=estimator.name,
            level=level,
            seed=seed,
            margin=margin,
            exclude=() if designs else [geo for geo in everyone if owner[data.geos.index(geo)] != name],
        )
        for name, members in rows.items()
    }
    tau, spread, placebo = _joint(data, pooled, rows, estimator, seed)
    names = list(rows)
    together = rank_form(0.0, np.abs(placebo).max(axis=1), level).critical
    simultaneous = pl.DataFrame(
        {"cell": names, "att": tau, "low": tau - together * spread, "high": tau + together * spread}
    )
    differences = _differences(names, tau, spread, placebo, level)
    return CellsResult(reads, simultaneous, differences, _winner(names, differences), estimator.name, DRAWS, seed)


def _joint(
    data: GeoPanel, pooled: GeoTest, rows: Mapping[str, Sequence[int]], estimator: Estimator, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Effects (C,), noise (C,), and t's of disjoint placebo cells (draws, C), on the estimator's scale."""
    donors = list(pooled.donors)
    sizes = [len(members) for members in rows.values()]
    if sum(sizes) > len(donors) - 3:
        raise PanelError(
            f"{len(donors)} controls for cells of {sum(sizes)} geos: {sum(sizes) + 3} are needed to draw placebo cells"
        )
    kpi = on_scale(data.kpi[:, : pooled.last + 1], estimator)
    pool = kpi[donors]
    no_exclusions = np.empty((1, 0), dtype=np.int64)
    order = np.random.default_rng(seed).random((DRAWS, len(donors))).argsort(axis=1)
    used = order[:, : sum(sizes)]
    tau, spread, placebo = [], [], []
    begin = 0
    for members, size in zip(rows.values(), sizes, strict=True):
        mean = kpi[list(members)].mean(axis=0)[None]
        fit = fit_targets(pool, mean, no_exclusions, pooled.pre, pooled.post, estimator, group_size=size)
        tau.append(float(fit.tau[0]))
        spread.append(float(fit.spread[0]))
        aims = pool[used[:, begin : begin + size]].mean(axis=1)
        drawn = fit_targets(pool, aims, used, pooled.pre, pooled.post, estimator, group_size=size)
        placebo.append(drawn.studentised)
        begin += size
    return np.array(tau), np.array(spread), np.column_stack(placebo)


def _differences(
    names: Sequence[str], tau: np.ndarray, spread: np.ndarray, placebo: np.ndarray, level: float
) -> pl.DataFrame:
    """All pairs with ranges that hold at once: the largest studentised placebo difference sets the width."""
    pairs = list(combinations(range(len(names)), 2))
    drawn = np.column_stack([spread[a] * placebo[:, a] - spread[b] * placebo[:, b] for a, b in pairs])
    scale = np.sqrt((drawn**2).mean(axis=0))
    reach = rank_form(0.0, np.abs(drawn / scale).max(axis=1), level).critical * scale
    apart = np.array([tau[a] - tau[b] for a, b in pairs])
    return pl.DataFrame(
        {
            "first": [names[a] for a, _ in pairs],
            "second": [names[b] for _, b in pairs],
            "difference": apart,
            "low": apart - reach,
            "high": apart + reach,
        }
    )


def _winner(names: Sequence[str], differences: pl.DataFrame) -> str | None:
    beaten: dict[str, set[str]] = {name: set() for name in names}
    for row in differences.iter_rows(named=True):
        if row["low"] > 0:
            beaten[row["first"]].add(row["second"])
        if row["high"] < 0:
            beaten[row["second"]].add(row["first"])
    winners = [name for name, others in beaten.items() if len(others) == len(names) - 1]
    return winners[0] if winners else None
