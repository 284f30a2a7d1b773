"""Multi-cell designs and matched pairs: disjoint, validated, and read as they were planned."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache

import numpy as np
import polars as pl
import pytest

from models.incrementality import CellsDesign, PanelError, design_cells, design_geo, read_cells
from models.incrementality.geo.simulated import FIRST_MONDAY

GEOS = [f"g{row:02d}" for row in range(18)]
DAYS = 140
KINDS = {"search": "heavy_up", "social": "go_dark"}


@lru_cache
def panel(days: int = DAYS) -> pl.DataFrame:
    """Eighteen geos with a common trend and weekday pattern, independent noise, and spend in step with size."""
    draw = np.random.default_rng(8)
    size = draw.lognormal(7, 0.4, len(GEOS))[:, None]
    day = np.arange(days)
    kpi = size * (1 + 0.001 * day + 0.1 * np.sin(day * 2 * np.pi / 7)) * np.exp(draw.normal(0, 0.05, (len(GEOS), days)))
    dates = [FIRST_MONDAY + timedelta(days=int(d)) for d in day] * len(GEOS)
    frame = pl.DataFrame({"geo": np.repeat(GEOS, days), "date": dates, "kpi": kpi.ravel()})
    return frame.with_columns(spend=pl.col("kpi") * 0.1)


def history() -> pl.DataFrame:
    return panel().filter(pl.col("date") < FIRST_MONDAY + timedelta(days=DAYS - 14))


def designed(**changes: object) -> list[CellsDesign]:
    asked = {"duration": 14, "size": 2, "seed": 1, "candidates": 2_000, "count": 3} | changes
    return design_cells(history(), KINDS, **asked)


def test_cells_are_disjoint_frozen_and_leave_each_other_out():
    found = designed(never=["g05"], exclude=["g07"], together=[("g01", "g02")])
    assert [design.mde for design in found] == sorted(design.mde for design in found)
    for design in found:
        search, social = (set(geos) for geos in design.geos.values())
        assert not search & social
        assert not {"g05", "g07"} & (search | social)
        cells = dict(design.cells)
        assert social < set(cells["search"].excluded)
        assert not social & set(cells["search"].controls)
        assert (cells["search"].kind, cells["social"].kind) == ("heavy_up", "go_dark")
        assert ("g01" in search) == ("g02" in search)
        assert design.mde == max(cells["search"].mde, cells["social"].mde)
        assert tuple(design.geos.values()) in design.accepted
    again = designed(never=["g05"], exclude=["g07"], together=[("g01", "g02")])
    assert [design.sha256 for design in again] == [design.sha256 for design in found]


def test_planned_cells_are_read_as_planned_and_departures_are_said():
    design = designed(level=0.8)[0]
    start = FIRST_MONDAY + timedelta(days=DAYS - 14)
    lifted = panel().with_columns(
        kpi=pl.col("kpi")
        * pl.when(pl.col("geo").is_in(design.geos["search"]) & (pl.col("date") >= start)).then(1.5).otherwise(1.0)
    )
    found = read_cells(lifted, design, start=start, end=start + timedelta(days=13), level=0.8, seed=1)
    assert found.winner == "search"
    assert found.method == dict(design.cells)["search"].plan.method
    for read in found.cells.values():
        assert "departs_from_plan" not in {w.code for w in read.warnings}
    shorter = read_cells(lifted, design, start=start, end=start + timedelta(days=6), level=0.8, seed=1)
    assert "departs_from_plan" in {w.code for w in shorter.cells["search"].warnings}


def test_matched_pairs_are_split_and_contradictions_named():
    pairs = [("g00", "g01"), ("g02", "g03")]
    asked = {"duration": 14, "seed": 1, "sizes": (2,), "candidates": 2_000, "count": 3}
    for design in design_geo(history(), apart=pairs, **asked):
        for first, second in pairs:
            assert (first in design.treated) != (second in design.treated)
    with pytest.raises(PanelError, match="'g01' must be treated or is paired and is excluded"):
        design_geo(history(), apart=pairs, exclude=["g01"], **asked)
    with pytest.raises(PanelError, match="no set of 2 geos satisfies the constraints"):
        design_geo(history(), apart=pairs, together=pairs, **asked)


def test_a_holdback_costs_what_its_controls_lose_and_a_go_dark_what_its_tested_geos_lose():
    asked = {
        "duration": 14,
        "seed": 1,
        "sizes": (2,),
        "candidates": 500,
        "count": 1,
        "margin": 0.5,
        "target_iroas": 4.0,
    }
    dark = design_geo(history(), kind="go_dark", **asked)[0]
    held = design_geo(history(), kind="holdback", **asked)[0]
    assert dark.treated == held.treated
    recent = history().filter(pl.col("date") >= FIRST_MONDAY + timedelta(days=DAYS - 28))
    lost = {
        geo: 0.5 * 4.0 * spend - spend for geo, spend in recent.group_by("geo").agg(pl.col("spend").sum()).iter_rows()
    }
    assert dark.cost == pytest.approx(sum(lost[geo] for geo in dark.treated))
    assert held.cost == pytest.approx(sum(lost[geo] for geo in held.controls))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        pytest.param({"size": 5}, "2 cells of 5 geos leave 8 of 18", id="too large"),
        pytest.param({"most_share": 0.1}, "no (2 disjoint )?sets? of 2 geos", id="too much business"),
        pytest.param({"duration": 60}, "too few for a test of 60", id="short history"),
    ],
)
def test_cells_that_cannot_be_are_refused(changes, complaint):
    with pytest.raises(PanelError, match=complaint):
        designed(**changes)


def test_one_cell_is_no_multi_cell_test():
    with pytest.raises(PanelError, match="plan one with design_geo"):
        design_cells(history(), {"search": "heavy_up"}, duration=14, size=2, seed=1)
