"""What a geo test hands to the MMM: the change in spend and KPI per period, with the error that was calibrated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from math import isfinite

import numpy as np

from models.incrementality.geo.panel import GeoPanel
from models.incrementality.result import LiftResult


@dataclass(frozen=True)
class LiftContract:
    """One likelihood term: Normal(delta_y; response(x + delta_x) - response(x), sigma * inflation), all per period.

    `x` is the treated geos' spend per period before the test, `delta_x` the extra spend, `delta_y` the incremental
    KPI; `sigma` is half the calibrated interval over z, not the spread of a mean path. `scale` is what the KPI's
    effect was estimated on, `grain` the period.
    """

    test_id: str
    channel: str
    geos: tuple[str, ...]
    first: date
    last: date
    grain: str
    x: float
    delta_x: float
    delta_y: float
    sigma: float
    inflation: float
    scale: str
    grade: str
    data_sha256: str


def lift_contract(result: LiftResult, panel: GeoPanel, *, test_id: str, channel: str) -> LiftContract:
    """The contract of a geo read; raises ValueError for an invalid test, no spend, or an unbounded interval."""
    if result.verdict == "invalid":
        raise ValueError(f"test {test_id} is invalid ({result.reasons[0]}): it may not calibrate a model")
    if result.spend is None or panel.spend is None or result.start is None or result.end is None:
        raise ValueError(f"test {test_id} has no spend or window: a response to spend cannot be calibrated with it")
    if not isfinite(result.se):
        raise ValueError(f"test {test_id} has no finite range: it carries no information for a model")
    rows = panel.rows_of(result.treated, "treated")
    before = panel.spend[rows][:, : panel.dates.index(result.start)]
    return LiftContract(
        test_id=test_id,
        channel=channel,
        geos=result.treated,
        first=result.start,
        last=result.end,
        grain=result.grain,
        x=float(np.sum(before) / before.shape[1]),
        delta_x=result.spend / result.periods,
        delta_y=result.effect / result.periods,
        sigma=result.se / result.periods,
        inflation=result.inflation,
        scale="log" if result.method.endswith("_log") else "level",
        grade=result.grade,
        data_sha256=result.data_sha256,
    )
