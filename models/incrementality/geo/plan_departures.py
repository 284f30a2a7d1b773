"""Departures of a read from the plan frozen before the test: each is reported, none is forbidden."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from models.incrementality.geo.geo_design import GeoDesign
from models.incrementality.geo.panel import GeoPanel
from models.warning import Warning


def departures_from(
    design: GeoDesign, panel: GeoPanel, *, start: date, end: date, method: str, level: float, cooldown: int
) -> list[Warning]:
    """One warning per point in which the read differs from the design: days, method, level, controls, history."""
    plan = design.plan
    periods = sum(start <= day <= end for day in panel.dates)
    departures = []
    if plan.start is not None and start != plan.start:
        departures.append(f"it starts on {start}, planned was {plan.start}")
    if periods != plan.duration:
        departures.append(f"it is read over {periods} periods ({plan.grain}), planned were {plan.duration}")
    if cooldown != plan.cooldown:
        departures.append(f"its cool-down is {cooldown} periods, planned were {plan.cooldown}")
    if method not in ("auto", plan.method):
        departures.append(f"it is read by {method}, planned was {plan.method}")
    if level != plan.level:
        departures.append(f"its range is a {level:.0%} one, planned was {plan.level:.0%}")
    if gone := sorted(set(design.controls) - set(panel.geos)):
        departures.append(f"controls are missing from the data: {', '.join(gone)}")
    if new := sorted(set(panel.geos) - set(design.controls) - set(design.treated) - set(design.excluded)):
        departures.append(f"controls were added: {', '.join(new)}")
    subject = ", ".join(design.treated)
    warnings = [
        Warning(
            "departs_from_plan",
            "medium",
            subject,
            f"The read departs from the plan frozen before the test: {what}.",
            "Read it as planned as well, and show both.",
        )
        for what in departures
    ]
    if panel.until(design.data_until).sha256() != design.data_sha256:
        warnings.append(
            Warning(
                "history_restated",
                "low",  # platforms correct their last weeks, which is not a departure from the plan
                subject,
                f"The days until {design.data_until} were corrected after the design was made from them.",
                "Nothing to do if a platform or the books corrected late days; else find out who changed the past.",
            )
        )
    return warnings


def levels_instead(method: str, treated: Sequence[str]) -> Warning:
    """The plan reads on logarithms, and the test days hold a KPI of zero or below."""
    return Warning(
        "departs_from_plan",
        "medium",
        ", ".join(treated),
        f"The read departs from the plan frozen before the test: {method} needs every KPI above zero, and one until the"
        f" window's end is not, so it is read in levels by {method.removesuffix('_log')}.",
        "Check the days without KPI; if they are real, the read in levels stands.",
    )
