"""Effects that cross a border: which controls lie next to the tested geos, and whether they moved with the test."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from models.incrementality.geo.donor_weights import fit_targets
from models.incrementality.geo.panel import PanelError
from models.incrementality.geo.placebo import PlaceboRead, on_scale, placebo_read, placebo_sets
from models.incrementality.geo.window import FEWEST_DONORS, GeoTest
from models.incrementality.inversion import invert
from models.incrementality.result import Check

EARTH_KILOMETRES = 6_371.0
SPILLOVER_ALPHA = 0.05
MOVED_SHARE = 0.5  # of the reported range


def donor_ring(places: pl.DataFrame, treated: Sequence[object], *, kilometres: float) -> tuple[str, ...]:
    """Untreated geos whose centre lies within `kilometres` of a treated one: candidates for spill-over.

    `places` holds geo, lat, lon in degrees, one row per geo. Great-circle distance. Raises PanelError for a treated geo
    without a place, a place given twice, and coordinates that cannot be.
    """
    names = places["geo"].cast(pl.String).to_list()
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise PanelError(f"geo {twice[0]!r} has two places: give each geo one centre")
    lat, lon = (places[column].cast(pl.Float64).to_numpy() for column in ("lat", "lon"))
    wrong = np.flatnonzero(~((np.abs(lat) <= 90) & (np.abs(lon) <= 180)))
    if wrong.size:
        row = int(wrong[0])
        raise PanelError(f"geo {names[row]!r} lies at lat {lat[row]:g}, lon {lon[row]:g}: degrees north and east")
    tested = [str(geo).strip() for geo in treated]
    if lost := [geo for geo in tested if geo not in names]:
        raise PanelError(f"treated geo {lost[0]!r} has no location: its neighbours cannot be determined")
    rows = [names.index(geo) for geo in tested]
    north, east = np.radians(lat), np.radians(lon)
    chord = np.sin((north[:, None] - north[rows]) / 2) ** 2
    chord += np.cos(north)[:, None] * np.cos(north[rows]) * np.sin((east[:, None] - east[rows]) / 2) ** 2
    near = (2 * EARTH_KILOMETRES * np.arcsin(np.sqrt(np.minimum(chord, 1.0))) <= kilometres).any(axis=1)
    return tuple(name for name, close in zip(names, near, strict=True) if close and name not in tested)


def spillover(test: GeoTest, read: PlaceboRead, nearby: Sequence[int], half_width: float, seed: int) -> Check:
    """Whether the `nearby` controls (rows of the panel) moved when the test began, and what leaving them out changes.

    They are read as if they had been treated, against the other controls. A soft check: it says to read without them.
    """
    ring = [test.donors.index(row) for row in nearby]
    far = [row for row in range(len(test.donors)) if row not in set(ring)]
    if len(far) < FEWEST_DONORS:
        raise PanelError(
            f"{len(far)} control(s) are left beside the {len(ring)} nearby ones: {FEWEST_DONORS} are needed"
        )
    donors = test.panel.kpi[list(test.donors), : test.last + 1]
    sets, enumerated = placebo_sets(len(far), len(ring), seed)
    moved = placebo_read(
        donors[ring],
        donors[far],
        test.pre,
        test.post,
        read.estimator,
        sets,
        enumerated=enumerated,
        asc_ridge=read.asc_ridge,
    )
    p_value = invert(moved.statistic, moved.placebos.studentised, 1 - SPILLOVER_ALPHA).p_value
    pool = on_scale(donors[far], read.estimator)
    aim = on_scale(test.panel.kpi[list(test.treated), : test.last + 1], read.estimator).mean(axis=0)[None]
    no_exclusions = np.empty((1, 0), dtype=np.int64)
    without = fit_targets(
        pool,
        aim,
        no_exclusions,
        test.pre,
        test.post,
        read.estimator,
        group_size=len(test.treated),
        asc_ridge=read.asc_ridge,
    )
    share = abs(float(without.tau[0]) - read.tau) / half_width if 0 < half_width < np.inf else 0.0
    names = ", ".join(test.panel.geos[row] for row in nearby)
    return Check(
        "spillover",
        p_value > SPILLOVER_ALPHA and share <= MOVED_SHARE,
        False,
        p_value,
        SPILLOVER_ALPHA,
        f"controls next to the tested geos ({names}) read as if tested give p = {p_value:.3f}; leaving them out"
        f" moves the result by {share:.0%} of its half-range",
        "Read again with these geos in exclude: buyers or ads crossed the border.",
    )
