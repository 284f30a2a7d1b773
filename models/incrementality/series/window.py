"""The series of a read, cut at the intervention, on the scale on which it is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from models.incrementality.geo.panel import GeoPanel, PanelError

FEWEST_BEFORE = 20
MOST_BEFORE = 400  # periods of history that are read; what lies further back says little about the window's level


@dataclass(frozen=True)
class SeriesWindow:
    """KPI (n,) and controls (n, K) of the panel; the window is `first` to `last`, both included."""

    panel: GeoPanel
    kpi: np.ndarray
    controls: np.ndarray
    first: int
    last: int
    season: int | None

    @classmethod
    def of(
        cls, series: pl.DataFrame, controls: Sequence[str], start: date, end: date, season: int | None
    ) -> SeriesWindow:
        """Raises PanelError for a missing column, a gap, a window outside the data or too little before it."""
        if lacking := [column for column in ("date", "kpi", *controls) if column not in series.columns]:
            raise PanelError(f"the series has no column {', '.join(lacking)} (it has {', '.join(series.columns)})")
        stacked = [
            series.select(pl.lit(column).alias("geo"), "date", pl.col(column).cast(pl.Float64).alias("kpi"))
            for column in ("kpi", *controls)
        ]
        panel = GeoPanel.from_frame(pl.concat(stacked), allow_negative=True)
        if end < start:
            raise PanelError(f"the window ends on {end}, before it starts on {start}")
        first, last = panel.column_of(start, "start"), panel.column_of(end, "end")
        kpi = panel.kpi[panel.geos.index("kpi")]
        rows = [panel.geos.index(column) for column in controls]
        found = cls(panel, kpi, panel.kpi[rows].T.reshape(kpi.size, len(rows)), first, last, season)
        found.refuse_too_little(controls)
        return found

    def refuse_too_little(self, controls: Sequence[str]) -> None:
        """Raises PanelError where the periods before the window cannot carry a model of it."""
        n = self.first
        if n < FEWEST_BEFORE:
            raise PanelError(f"{n} periods before the intervention: a series needs at least {FEWEST_BEFORE}")
        if self.season and n < 2 * self.season:
            raise PanelError(f"{n} periods hold no two cycles of {self.season}: leave the season out")
        names = ["kpi", *controls]
        for name, values in zip(names, (self.kpi, *self.controls.T), strict=True):
            if values[:n].std() == 0:
                raise PanelError(f"{name} never moves before the intervention, so it cannot say what would have been")
        if self.columns > n // 2:
            raise PanelError(
                f"{len(controls)} controls and the season are too many for {n} periods: name only those that follow the"
                " KPI"
            )

    @property
    def before(self) -> np.ndarray:
        return self.kpi[: self.first]

    @property
    def during(self) -> np.ndarray:
        return self.kpi[self.first : self.last + 1]

    @property
    def length(self) -> int:
        return self.last + 1 - self.first

    @property
    def columns(self) -> int:
        """Coefficients of the regression: constant, season, controls."""
        return 1 + (self.season - 1 if self.season else 0) + self.controls.shape[1]

    @property
    def logs(self) -> bool:
        """Whether effects are shares of the KPI: it is above zero throughout."""
        return bool((self.kpi[: self.last + 1] > 0).all())

    @property
    def skipped(self) -> int:
        """Periods of old history that are left out."""
        return max(self.first - MOST_BEFORE, 0)

    def read_series(self) -> np.ndarray:
        """KPI to the window's end on the scale of the read, without the old history."""
        kpi = self.kpi[self.skipped : self.last + 1]
        return np.log(kpi) if self.logs else kpi

    def regressors(self) -> np.ndarray:
        """Constant, season and controls of the same periods, in that order; positive controls of a log KPI in logs."""
        rows = np.arange(self.skipped, self.last + 1)
        parts = [np.ones((rows.size, 1))]
        if self.season:
            parts.append((rows[:, None] % self.season == np.arange(self.season - 1)).astype(float))
        for values in self.controls.T:
            own = np.log(values) if self.logs and (values[: self.last + 1] > 0).all() else values
            own = own[self.skipped : self.last + 1]
            spread = own[: self.first - self.skipped].std()
            parts.append(((own - own[: self.first - self.skipped].mean()) / (spread or 1.0))[:, None])
        return np.hstack(parts)

    def effect(self, shift: float, actual: float, periods: int) -> float:
        """Total effect of a mean shift on the scale of the read over periods whose KPI adds up to `actual`."""
        return actual * -float(np.expm1(-shift)) if self.logs else shift * periods
