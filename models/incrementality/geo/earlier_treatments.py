"""Takes the effect of earlier tests out of the days before a new one, so that they do not bend its baseline.

A region that was tested a month ago has days in its history that no control can explain. Their mean effect is estimated
from regions that were not treated then, and removed; the noise of the days stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.incrementality.geo.donor_weights import fit_targets
from models.incrementality.geo.estimator import FALLBACK, Estimator
from models.incrementality.geo.overlap import Neighbour
from models.incrementality.geo.panel import GeoPanel, PanelError
from models.incrementality.geo.placebo import on_scale
from models.incrementality.geo.window import FEWEST_DONORS, FEWEST_PRE_PERIODS
from models.warning import Warning


@dataclass(frozen=True)
class Treatment:
    """An earlier test as rows and columns of a panel, `last` included."""

    test: Neighbour
    rows: tuple[int, ...]
    first: int
    last: int

    @property
    def columns(self) -> np.ndarray:
        return np.arange(self.first, self.last + 1)


def repaired(panel: GeoPanel, earlier: Sequence[Neighbour], before: int) -> tuple[GeoPanel, list[Warning]]:
    """The panel with the days of earlier tests repaired up to column `before`, and what was done, as warnings.

    Each region of an earlier test is compared with regions without any treatment in those days, weighed on days on
    which neither was treated (`sc_ridge`, on logarithms where every KPI is above zero); its mean effect in the window
    is taken off. Its spend in the window becomes its mean on days without a test. Tests in all regions, and parts of
    tests from `before` on, are left as they are. A test that cannot be repaired is left and said at medium.
    """
    treatments = _treatments(panel, earlier, before)
    if not treatments:
        return panel, []
    kpi = panel.kpi.copy()
    spend = None if panel.spend is None else panel.spend.copy()
    estimator = Estimator(FALLBACK, "log" if (kpi[:, :before] > 0).all() else "level")
    warnings = []
    for treatment in treatments:
        try:
            effects = [_effect(panel, treatments, treatment, row, before, estimator) for row in treatment.rows]
        except PanelError as refused:
            warnings.append(_left(treatment.test, str(refused)))
            continue
        for row, effect in zip(treatment.rows, effects, strict=True):
            window = kpi[row, treatment.columns]
            kpi[row, treatment.columns] = window * np.exp(-effect) if estimator.scale == "log" else window - effect
            if spend is not None:
                spend[row, treatment.columns] = spend[row, _free(treatments, (row,), before)].mean()
        warnings.append(_done(panel, treatment, effects, estimator))
    return replace(panel, kpi=kpi, spend=spend), warnings


def _treatments(panel: GeoPanel, earlier: Sequence[Neighbour], before: int) -> list[Treatment]:
    found = []
    for test in sorted(earlier, key=lambda test: (test.start, test.name)):
        rows = tuple(panel.geos.index(geo) for geo in test.geos if geo in panel.geos)
        columns = [
            column
            for column in range(before)
            if panel.dates[column] <= test.end and panel.period_end(column) >= test.start
        ]
        if rows and columns and len(rows) < len(panel.geos):
            found.append(Treatment(test, rows, columns[0], columns[-1]))
    return found


def _free(treatments: Sequence[Treatment], rows: Sequence[int], before: int) -> np.ndarray:
    """Columns before the new test on which none of these regions was treated."""
    free = np.ones(before, dtype=bool)
    for treatment in treatments:
        if set(rows) & set(treatment.rows):
            free[treatment.columns] = False
    return np.flatnonzero(free)


def _effect(
    panel: GeoPanel,
    treatments: Sequence[Treatment],
    treatment: Treatment,
    row: int,
    before: int,
    estimator: Estimator,
) -> float:
    """Mean effect on one region in the window, on the estimator's scale. Raises PanelError where nothing tells it."""
    busy = {
        other
        for test in treatments
        if test.first <= treatment.last and test.last >= treatment.first
        for other in test.rows
    }
    donors = [other for other in range(len(panel.geos)) if other not in busy]
    if len(donors) < FEWEST_DONORS:
        raise PanelError(f"only {len(donors)} regions were without a test in those days ({FEWEST_DONORS} are needed)")
    quiet = [other for other in donors if not any(other in test.rows for test in treatments)]
    donors = quiet if len(quiet) >= FEWEST_DONORS else donors
    free = _free(treatments, (row, *donors), before)
    if free.size < FEWEST_PRE_PERIODS:
        raise PanelError(
            f"only {free.size} periods are without a test in these regions ({FEWEST_PRE_PERIODS} are needed)"
        )
    values = on_scale(panel.kpi[:, :before], estimator)[:, np.concatenate([free, treatment.columns])]
    post = slice(free.size, free.size + treatment.columns.size)
    no_exclusions = np.empty((1, 0), dtype=np.int64)
    return float(fit_targets(values[donors], values[row][None], no_exclusions, free.size, post, estimator).tau[0])


def _done(panel: GeoPanel, treatment: Treatment, effects: Sequence[float], estimator: Estimator) -> Warning:
    if estimator.scale == "log":
        shown = ", ".join(
            f"{panel.geos[row]} {np.expm1(effect):+.1%}" for row, effect in zip(treatment.rows, effects, strict=True)
        )
    else:
        shown = ", ".join(
            f"{panel.geos[row]} {effect:+.6g} per period" for row, effect in zip(treatment.rows, effects, strict=True)
        )
    return Warning(
        "earlier_test_repaired",
        "low",
        treatment.test.name,
        f"{treatment.test.name} ran until {treatment.test.end} in regions of this panel: its mean effect ({shown}) was"
        " taken off those days before they serve as history.",
        "Nothing to do; a longer gap between tests makes the repair unnecessary.",
    )


def _left(test: Neighbour, why: str) -> Warning:
    return Warning(
        "earlier_test_not_repaired",
        "medium",
        test.name,
        f"{test.name} ran until {test.end} in regions of this panel, and its effect could not be taken off those days:"
        f" {why}.",
        "Leave its regions out with exclude, or wait until the days after it make a history of their own.",
    )
