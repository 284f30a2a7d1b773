"""Which periods come before a test, which are read, and which geos may serve as the counterfactual."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from models.incrementality.geo.panel import GeoPanel, PanelError, day_of

FEWEST_PRE_PERIODS = 8  # below it the pre-period says nothing about how well donors follow the treated geos
FEWEST_DONORS = 3  # one donor cannot have a placebo, two have one each


@dataclass(frozen=True)
class GeoTest:
    """A test laid over a panel: rows of treated geos and donors, columns of pre-period and read window.

    The read window runs from `first` to `last` (columns, inclusive): the test plus its cool-down, less a declared lag.
    """

    panel: GeoPanel
    treated: tuple[int, ...]
    donors: tuple[int, ...]
    pre: int
    first: int
    last: int

    @classmethod
    def on(
        cls,
        panel: GeoPanel,
        treated: Sequence[object],
        *,
        start: date,
        end: date,
        exclude: Sequence[object] = (),
        cooldown: int = 0,
        lag: int = 0,
    ) -> GeoTest:
        """The test on a panel; every period before `start` is pre-period, all of `exclude` is left out.

        `cooldown` counts periods after `end` in which late effect is still read, `lag` periods after `start` that
        are left out. Raises PanelError for a window outside the data or inside a period, too short a pre-period,
        a treated geo among the excluded, too few donors, a geo that never moves before the test, and spend of a
        treated geo that begins on another day than the test.
        """
        rows = panel.rows_of(named(treated, "treated"), "treated")
        left_out = panel.rows_of(named(exclude, "exclude"), "excluded")
        if not rows:
            raise PanelError("no treated geo was named")
        start, end = day_of(start, "start"), day_of(end, "end")
        if both := set(rows) & set(left_out):
            raise PanelError(f"geo {panel.geos[min(both)]!r} is both treated and excluded: it can only be one")
        if end < start:
            raise PanelError(f"the test ends on {end}, before it starts on {start}")
        if cooldown < 0 or lag < 0:
            raise PanelError(f"cooldown={cooldown}, lag={lag}: both count periods and cannot be negative")
        first = panel.column_of(start, "start")
        last = _last_column(panel, end) + cooldown
        if last >= len(panel.dates):
            raise PanelError(
                f"the cool-down of {cooldown} periods after {end} runs past {panel.last_day}, the last day of the panel"
            )
        if first < FEWEST_PRE_PERIODS:
            raise PanelError(
                f"only {first} periods before the start on {start}: at least {FEWEST_PRE_PERIODS} are needed to see how"
                " well other geos follow the treated ones"
            )
        if first + lag > last:
            raise PanelError(f"a lag of {lag} periods leaves nothing of the window {start} to {end}")
        donors = [row for row in range(len(panel.geos)) if row not in set(rows) | set(left_out)]
        if len(donors) < FEWEST_DONORS:
            raise PanelError(
                f"{len(donors)} geo(s) are left as control ({', '.join(panel.geos[d] for d in donors) or 'none'}):"
                f" at least {FEWEST_DONORS} are needed, because the range comes from treating each"
                " control as if it were tested"
            )
        _refuse_constant(panel, rows + donors, first)
        _refuse_copies(panel, rows + donors, first)
        _refuse_other_start(panel, rows, first, start)
        return cls(panel, tuple(rows), tuple(donors), first, first + lag, last)

    @property
    def periods(self) -> int:
        """Length of the read window."""
        return self.last - self.first + 1

    @property
    def positive(self) -> bool:
        """Whether every KPI of treated geos and donors until the window's end is above zero: logarithms then exist."""
        return bool((self.panel.kpi[[*self.treated, *self.donors], : self.last + 1] > 0).all())

    @property
    def post(self) -> slice:
        """Columns of the read window."""
        return slice(self.first, self.last + 1)


def named(geos: Iterable[object], argument: str) -> list[object]:
    """Geos as a list, a set in alphabetical order; raises PanelError for a bare word."""
    if isinstance(geos, str):
        raise PanelError(f"{argument}={geos!r} is one word: pass a list of geos, [{geos!r}]")
    return sorted(geos, key=str) if isinstance(geos, set | frozenset) else list(geos)


def _last_column(panel: GeoPanel, end: date) -> int:
    if end > panel.last_day:
        raise PanelError(
            f"end {end} is outside the panel, which runs from {panel.dates[0]} to {panel.last_day}:"
            " deliver the missing days"
            " or change the window"
        )
    begun = [column for column, day in enumerate(panel.dates) if day <= end]
    column = begun[-1]
    following = panel.dates[column + 1] if column + 1 < len(panel.dates) else None
    whole = panel.dates[column] == end or following is None or (following - end).days == 1 or end == panel.last_day
    if not whole:
        raise PanelError(
            f"end {end} falls inside the {panel.grain} that begins on {panel.dates[column]}: that"
            f" {panel.grain} would be half"
            f" treated; use data by day, or a test that ends with a {panel.grain}"
        )
    return column


def _refuse_constant(panel: GeoPanel, rows: Sequence[int], pre: int) -> None:
    for row in rows:
        before = panel.kpi[row, :pre]
        if np.ptp(before) == 0:
            raise PanelError(
                f"geo {panel.geos[row]!r} has the same KPI ({before[0]:g}) in every period from {panel.dates[0]} to"
                f" {panel.dates[pre - 1]}: a series that never moves cannot be compared; leave it out with exclude"
            )


def _refuse_copies(panel: GeoPanel, rows: Sequence[int], pre: int) -> None:
    seen: dict[bytes, int] = {}
    for row in rows:
        series = panel.kpi[row, :pre].tobytes()
        if series in seen:
            raise PanelError(
                f"geos {panel.geos[seen[series]]!r} and {panel.geos[row]!r} have the same KPI in every period before"
                f" {panel.dates[pre]}: one is a copy of the other; leave it out with exclude"
            )
        seen[series] = row


def _refuse_other_start(panel: GeoPanel, treated: Sequence[int], pre: int, start: date) -> None:
    """Spend that is zero, then runs: the day it begins must be the start."""
    if panel.spend is None:
        return
    for row in treated:
        paid = np.flatnonzero(panel.spend[row] > 0)
        if paid.size == 0 or paid[0] == pre or paid[0] < 0.8 * pre:
            continue
        begun = panel.dates[paid[0]]
        side = "before the start" if paid[0] < pre else "in the middle of the window that starts"
        raise PanelError(
            f"geo {panel.geos[row]!r} has its first spend on {begun}, {side} on {start}: a window must begin with the"
            " treatment of all its geos; correct the start, or read late starters as their own test"
        )
