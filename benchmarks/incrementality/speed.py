"""Wall times of what an analyst waits for, on one core, once compiled kernels are loaded."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl

from benchmarks.incrementality.quiet_panel import quiet_panel
from models.incrementality import GeoPanel, design_geo, read_geo
from models.incrementality.geo_design.market_search import MarketSearch, market_selection, neighbour_candidates


def timings(shared: Path) -> list[tuple[str, float, float]]:
    """Name, seconds, and the limit in seconds that was set for it."""
    quiet = quiet_panel(shared)
    tested = pl.read_csv(shared / "incrementality/geolift__GeoLift_Test.csv", try_parse_dates=True)
    panel = GeoPanel.from_frame(tested.select(geo="location", date="date", kpi="Y"))
    walk = MarketSearch((2, 3, 4, 5), (10, 15), (0, 0.05, 0.1, 0.15, 0.2), 1, ("chicago",), ("honolulu",), 7.5, 1e5)
    grid = MarketSearch((2, 3, 4, 5), (15,), tuple(round(0.01 * step, 2) for step in range(26)), lookbacks=11)
    fits = len(neighbour_candidates(quiet, grid)) * len(grid.effects) * grid.lookbacks

    def read() -> object:
        window = {"start": date(2021, 4, 1), "end": date(2021, 4, 15)}
        return read_geo(panel, ["chicago", "portland"], seed=1, **window)  # type: ignore[arg-type]

    return [
        ("market selection of the GeoLift walkthrough", _seconds(lambda: market_selection(quiet, walk, seed=1)), 1.0),
        (f"power grid of {fits:,} fits", _seconds(lambda: market_selection(quiet, grid, seed=1), warm=False), 15.0),
        ("read with all 703 placebos, checks and curves", _seconds(read), 2.0),
        (
            "design: 100,000 sets screened, 100 simulated, 10 proved",
            _seconds(lambda: design_geo(quiet, duration=10, seed=1), warm=False),
            15.0,
        ),
    ]


def _seconds(work: Callable[[], object], *, warm: bool = True) -> float:
    if warm:
        work()
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
