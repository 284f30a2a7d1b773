"""Interim looks at a geo test, on days declared beforehand, with the false-positive rate under control.

The error that may be made in all is spent over the looks; the boundary of each look is read off the placebos' own
paths, so whatever memory their errors have is in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import ceil, inf
from typing import Literal

import numpy as np
import polars as pl

from models.incrementality.geo.effect_curves import in_units
from models.incrementality.geo.estimator import Estimator
from models.incrementality.geo.estimator_choice import choice_of
from models.incrementality.geo.panel import GeoPanel, PanelError, day_of
from models.incrementality.geo.placebo import PlaceboRead, placebo_read, reference_sets
from models.incrementality.geo.window import GeoTest
from models.incrementality.group_sequential import Spending, alpha_spent, group_sequential_bounds, predictive_power
from models.incrementality.inversion import exact_alpha, usual_form

Decision = Literal["stop_effect", "stop_futile", "continue", "no_effect_shown"]
FUTILE = 0.10  # chance of a finding at the end below which going on is not worth its cost


class NoLookYet(PanelError):
    """The first declared look is still to come, so there is nothing to read."""


@dataclass(frozen=True)
class GeoLooks:
    """The conclusion that the declared looks allow so far.

    `looks`: look, day, share (of the planned periods), statistic and boundary (in the treated geos' own noise), effect,
    low, high (incremental KPI until that day; infinite where a look may not stop), crossed, chance_at_end. `decision`:
    `stop_effect` once a boundary was crossed, `stop_futile` (advice, not binding) when the end is unlikely to show
    anything, `no_effect_shown` at the end, else `continue`. A range is a repeated one: all hold together at `level`.
    """

    looks: pl.DataFrame
    decision: Decision
    reason: str
    level: float
    spending: Spending
    method: str
    form: Literal["rank", "t"]
    seed: int


def look_geo(
    panel: pl.DataFrame | pl.LazyFrame | GeoPanel,
    treated: Sequence[object],
    *,
    start: date,
    end: date,
    looks: Sequence[float],
    spending: Spending = "obrien_fleming",
    method: str = "auto",
    level: float = 0.9,
    seed: int,
    exclude: Sequence[object] = (),
) -> GeoLooks:
    """Read a running test at its declared looks: `looks` are shares of the planned periods, ascending, the last one 1.

    `end` is the planned end and may lie after the data; looks whose day has not come are left out. Donor weights and
    the method come from the days before `start` and stay as they are. With enough placebos (ranks) a look may stop as
    many of the test and its placebos together as the error spent so far allows, and the most extreme stop first; with
    fewer, normal boundaries are widened to Student's t on the placebos' spread. Raises PanelError as `read_geo` does,
    NoLookYet before the first look's day.
    """
    alpha = exact_alpha(level)
    data = panel if isinstance(panel, GeoPanel) else GeoPanel.from_frame(panel)
    start, end = day_of(start, "start"), day_of(end, "end")
    first = data.column_of(start, "start")
    planned = _planned_periods(data, start, end)
    bounds = group_sequential_bounds(looks, alpha=float(alpha), spending=spending)
    counts = [max(1, ceil(Fraction(share).limit_denominator(10_000) * planned)) for share in looks]
    come = [count for count in counts if first + count <= len(data.dates)]
    if not come:
        raise NoLookYet(f"the first look is due after {counts[0]} periods: the data end on {data.last_day}")
    until = data.until(data.period_end(first + come[-1] - 1))
    test = GeoTest.on(until, treated, start=start, end=until.last_day, exclude=exclude)
    estimator = _frozen_estimator(test, method, planned, seed)
    reads = [_read_until(test, estimator, planned, count, seed) for count in come]
    statistics = np.array([read.statistic for read in reads])
    paths = np.column_stack([np.abs(read.placebos.studentised) for read in reads])
    form = usual_form(paths.shape[0], level)
    spent = [alpha_spent(share, float(alpha), spending) for share in looks]
    edges = _rank_edges(paths, spent) if form == "rank" else _t_edges(paths, bounds)
    rows = [
        _row(test, read, count, number, looks, edge, float(np.sqrt((path**2).mean())), bounds[-1])
        for number, (read, count, edge, path) in enumerate(zip(reads, come, edges, paths.T, strict=True))
    ]
    frame = pl.DataFrame(rows)
    decision, reason = _decided(frame, np.abs(statistics) > edges, finished=len(come) == len(looks))
    return GeoLooks(frame, decision, reason, level, spending, estimator.name, form, seed)


def _planned_periods(data: GeoPanel, start: date, end: date) -> int:
    if data.grain not in ("day", "week"):
        raise PanelError(f"a panel by {data.grain} has too few periods in a test to look at it early")
    step = 1 if data.grain == "day" else 7
    days = (end - start).days + 1
    if days < 2 * step or days % step:
        raise PanelError(
            f"a test from {start} to {end} is not two or more whole {data.grain}s: there is nothing to look at"
        )
    return days // step


def _frozen_estimator(test: GeoTest, method: str, planned: int, seed: int) -> Estimator:
    """The method as it is decided at the start: for a window of the planned length, however much of it has passed."""
    estimator = choice_of(test, method, seed, periods=planned).estimator
    if estimator.weighing == "sdid":
        raise ValueError("method='sdid' weighs the days before the test anew at each look: use sdid_unit")
    return estimator


def _read_until(test: GeoTest, estimator: Estimator, planned: int, count: int, seed: int) -> PlaceboRead:
    """The test and its placebos after `count` periods; weights as for the whole planned window."""
    kpi = test.panel.kpi[:, : test.pre + count]
    sets, enumerated = reference_sets(len(test.donors), len(test.treated), seed)
    window = slice(test.pre, test.pre + planned)
    tested, controls = kpi[list(test.treated)], kpi[list(test.donors)]
    return placebo_read(tested, controls, test.pre, window, estimator, sets, enumerated=enumerated)


def _rank_edges(paths: np.ndarray, spent: Sequence[float]) -> np.ndarray:
    """Boundary per look (L,) from placebo paths (B, L): at look j the test stops when it is among the most extreme.

    Of test and placebos together at most the share spent so far may have stopped. Exact when they are exchangeable;
    infinite where the share is less than one of them.
    """
    running = np.ones(paths.shape[0], dtype=bool)
    stopped, edges = 0, []
    for column, share in zip(paths.T, spent, strict=False):
        may_stop = int(Fraction(share).limit_denominator(10_000) * (paths.shape[0] + 1)) - stopped
        if may_stop < 1:
            edges.append(inf)
            continue
        edge = np.sort(column[running])[-may_stop]
        edges.append(float(edge))
        running &= column < edge
        stopped += may_stop
    return np.array(edges)


def _t_edges(paths: np.ndarray, bounds: Sequence[float]) -> np.ndarray:
    """Normal boundaries as equally likely quantiles of Student's t, in units of the placebos' spread at each look."""
    from scipy import stats

    count = paths.shape[0]
    wide = stats.t.isf(stats.norm.sf(bounds[: paths.shape[1]]), count)
    return np.asarray(wide * np.sqrt((paths**2).mean(axis=0) * (1 + 1 / count)))


def _row(
    test: GeoTest,
    read: PlaceboRead,
    count: int,
    number: int,
    looks: Sequence[float],
    edge: float,
    spread: float,
    final: float,
) -> dict[str, object]:
    shown = test.panel.kpi[list(test.treated), test.pre : test.pre + count].sum(axis=0)
    size, reach = len(test.treated), edge * read.spread
    low, point, high = (in_units(a, shown, read, size) for a in (read.tau - reach, read.tau, read.tau + reach))
    share = looks[number]
    chance = predictive_power(read.statistic / spread, share, final) if share < 1 else None
    return {
        "look": number + 1,
        "day": test.panel.period_end(test.pre + count - 1),
        "share": share,
        "statistic": read.statistic,
        "boundary": edge,
        "effect": point,
        "low": low,
        "high": high,
        "crossed": bool(abs(read.statistic) > edge),
        "chance_at_end": chance,
    }


def _decided(frame: pl.DataFrame, crossed: np.ndarray, *, finished: bool) -> tuple[Decision, str]:
    if crossed.any():
        row = frame.row(int(crossed.argmax()), named=True)
        return "stop_effect", (
            f"At look {row['look']} ({row['day']}) the effect of {row['effect']:,.0f} lay beyond its boundary: the test"
            " has shown an effect and may stop. Looks after it decide nothing."
        )
    last = frame.row(-1, named=True)
    if finished:
        return (
            "no_effect_shown",
            "At the planned end no look has crossed its boundary: the test has not shown an effect.",
        )
    if last["chance_at_end"] < FUTILE:
        return "stop_futile", (
            f"At look {last['look']} ({last['day']}) the chance that the end shows an effect is"
            f" {last['chance_at_end']:.0%}: stopping saves its cost and risks little."
        )
    return "continue", (
        f"At look {last['look']} ({last['day']}) no boundary is crossed; the chance that the end shows an effect is"
        f" {last['chance_at_end']:.0%}."
    )
