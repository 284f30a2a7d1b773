"""Whether a test of these geos would survive its own checks: those that only look at days before the test."""

from __future__ import annotations

from collections.abc import Sequence

from models.incrementality.geo.checks import placebo_in_time, pre_fit
from models.incrementality.geo.estimator import Estimator
from models.incrementality.geo.placebo import on_scale, placebo_read, reference_sets
from models.incrementality.geo_design.score import PanelRequest
from models.incrementality.inversion import invert


def survives_its_history(request: PanelRequest, group: Sequence[int], estimator: Estimator) -> bool:
    """Whether neither `pre_fit` nor `placebo_in_time` would make a test that begins after the history invalid.

    Both look at the history alone, so a group that fails them now would fail them when it is read, and its power
    would be that of a result nobody may use. The last window of the history stands in for the test.
    """
    kpi, duration = request.panel.kpi, request.duration
    controls = [row for row in range(kpi.shape[0]) if row not in set(group) | set(request.excluded)]
    tested, donors = kpi[list(group)], kpi[controls]
    periods = kpi.shape[1]
    first = periods - duration
    sets, enumerated = reference_sets(len(controls), len(group), request.seed)
    read = placebo_read(tested, donors, first, slice(first, periods), estimator, sets, enumerated=enumerated)
    reach = invert(read.statistic, read.placebos.studentised, request.level).critical * read.spread
    earlier = placebo_in_time(tested, donors, periods, duration, read, reach)
    fit = pre_fit(read, on_scale(donors, estimator), on_scale(tested, estimator), first)
    return fit.passed and (earlier.passed or not earlier.hard)
