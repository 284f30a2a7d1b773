"""The geo panel every geo test is designed and read on: one row per geo and period, nothing missing, nothing guessed.

Cleaning belongs upstream, where a person can see the rule; here an imperfect panel is refused with the geo and the day.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Literal

import numpy as np
import polars as pl

from models.error import PlumblineError
from models.periods import last_day

Grain = Literal["day", "week", "month", "year"]
GRAIN_OF_STEP = {1: "day", 7: "week"}
DAYS_OF_GRAIN = {"day": 1.0, "week": 7.0, "month": 365.25 / 12, "year": 365.25}


class PanelError(PlumblineError, ValueError):
    """The panel or the test laid over it cannot be read as it stands; the message names geo, day and the fix."""


@dataclass(frozen=True)
class GeoPanel:
    """KPI (and spend) as matrices of shape (geos, periods); geos in alphabetical order, dates ascending.

    A date is the first day of its period. `grain` is what the step between dates says: day, week, month or year.
    """

    geos: tuple[str, ...]
    dates: tuple[date, ...]
    kpi: np.ndarray
    spend: np.ndarray | None
    grain: Grain

    @classmethod
    def from_frame(cls, frame: pl.DataFrame | pl.LazyFrame, *, allow_negative: bool = False) -> GeoPanel:
        """Panel from a frame geo, date, kpi[, spend] in any row order; dates may be text, written 2026-03-31.

        Raises PanelError, naming geo and day, for: a missing column, an empty frame, a date that is not a day, a
        duplicate geo-day, a missing geo-day, an irregular calendar, a missing or infinite value, a negative KPI
        (unless `allow_negative`, for KPIs net of refunds) or spend, and two spellings of one geo.
        """
        frame = collected(frame)
        columns = [name for name in ("geo", "date", "kpi", "spend") if name in frame.columns]
        if lacking := {"geo", "date", "kpi"} - set(columns):
            raise PanelError(
                f"the panel has no column {', '.join(sorted(lacking))}: it needs geo, date, kpi and, for iROAS, spend"
                f" (it has {', '.join(frame.columns)})"
            )
        if frame.height == 0:
            raise PanelError("the panel has no row: one row per geo and period is needed")
        rows = frame.select(columns).with_columns(_geo_text(frame), _day(frame), *_numbers(frame, columns[2:]))
        _refuse_two_spellings(rows)
        _refuse_duplicates(rows)
        dates = rows["date"].unique().sort().to_list()
        grain = _grain(dates)
        geos = rows["geo"].unique().sort().to_list()
        _refuse_gaps(rows, geos, dates)
        rows = rows.sort("geo", "date")
        shape = (len(geos), len(dates))
        for column in columns[2:]:
            _refuse_values(rows, column, allow_negative=allow_negative and column == "kpi")
        spend = rows["spend"].to_numpy().reshape(shape) if "spend" in columns else None
        return cls(tuple(geos), tuple(dates), rows["kpi"].to_numpy().reshape(shape), spend, grain)

    def rows_of(self, geos: Sequence[object], role: str) -> list[int]:
        """Row numbers of named geos; raises PanelError for an unknown or twice named one."""
        names = [str(geo).strip() for geo in geos]
        where = {geo: row for row, geo in enumerate(self.geos)}
        for position, name in enumerate(names):
            if name not in where:
                raise PanelError(
                    f"{role} geo {name!r} is not in the panel (it has {_some(self.geos)}): check the spelling"
                )
            if name in names[:position]:
                raise PanelError(f"{role} geo {name!r} is assigned twice: name each geo once")
        return [where[name] for name in names]

    def column_of(self, day: date, name: str) -> int:
        """Position of the period that starts on `day`; raises PanelError when it is outside or inside a period."""
        if day < self.dates[0] or day > self.last_day:
            raise PanelError(
                f"{name} {day} is outside the panel, which runs from {self.dates[0]} to"
                f" {self.last_day}: deliver the missing"
                " days or change the window"
            )
        if day not in self.dates:
            begun = max(d for d in self.dates if d < day)
            raise PanelError(
                f"{name} {day} falls inside the {self.grain} that begins on {begun}: that"
                f" {self.grain} would be half treated;"
                f" use data by day, or a test that begins with a {self.grain}"
            )
        return self.dates.index(day)

    @property
    def last_day(self) -> date:
        """The last calendar day the panel covers."""
        return _period_end(self.dates[-1], self.grain)

    def period_end(self, column: int) -> date:
        """The last calendar day of the period in this column."""
        return _period_end(self.dates[column], self.grain)

    def until(self, day: date) -> GeoPanel:
        """The panel as it was known on `day`: periods that had ended by then."""
        columns = sum(_period_end(first, self.grain) <= day for first in self.dates)
        spend = None if self.spend is None else self.spend[:, :columns]
        return GeoPanel(self.geos, self.dates[:columns], self.kpi[:, :columns], spend, self.grain)

    def sha256(self) -> str:
        """Identity of the data: equal panels have equal hashes whatever their row order."""
        digest = hashlib.sha256("\x1f".join((*self.geos, *map(str, self.dates))).encode())
        digest.update(np.ascontiguousarray(self.kpi).tobytes())
        if self.spend is not None:
            digest.update(np.ascontiguousarray(self.spend).tobytes())
        return digest.hexdigest()


def collected(frame: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame:
    """A frame in memory; raises PanelError for anything but a polars frame."""
    if isinstance(frame, pl.LazyFrame):
        return frame.collect()
    if not isinstance(frame, pl.DataFrame):
        raise PanelError(f"the panel is a {type(frame).__module__}.{type(frame).__name__}: pass a polars DataFrame")
    return frame


def day_of(day: object, name: str) -> date:
    """A day given as date, as midnight, or as text written 2026-03-31; raises PanelError for anything else."""
    if isinstance(day, datetime):
        if day.time() != time(0):
            raise PanelError(f"{name}={day} has a time of day; a test begins and ends with whole days")
        return day.date()
    if isinstance(day, date):
        return day
    try:
        return date.fromisoformat(day) if isinstance(day, str) else _no_day(day, name)
    except ValueError:
        return _no_day(day, name)


def _no_day(day: object, name: str) -> date:
    raise PanelError(f"{name}={day!r} is not a day: write it as 2026-03-31")


def _geo_text(frame: pl.DataFrame) -> pl.Expr:
    if frame["geo"].null_count():
        raise PanelError(f"row {frame['geo'].is_null().arg_max()} of the panel has no geo")
    return pl.col("geo").cast(pl.String).str.strip_chars()


def _day(frame: pl.DataFrame) -> pl.Expr:
    kind = frame.schema["date"]
    if frame["date"].null_count():
        row = frame.row(int(frame["date"].is_null().arg_max() or 0), named=True)
        raise PanelError(f"geo {row['geo']!r} has a row without a date")
    if kind == pl.Date:
        return pl.col("date")
    if isinstance(kind, pl.Datetime):
        broken = frame.filter(pl.col("date").dt.time() != pl.time(0, 0))
        if broken.height:
            row = broken.row(0, named=True)
            raise PanelError(f"geo {row['geo']!r}: {row['date']} has a time of day; a panel is by whole days")
        return pl.col("date").dt.date()
    if kind == pl.String:
        parsed = pl.col("date").str.strip_chars().str.to_date("%Y-%m-%d", strict=False)
        broken = frame.filter(parsed.is_null())
        if broken.height:
            row = broken.row(0, named=True)
            raise PanelError(
                f"geo {row['geo']!r}: date {row['date']!r} is not written as 2026-03-31; parse it to dates"
            )
        return parsed
    raise PanelError(f"column date is {kind}: parse it to dates first (first value: {frame['date'][0]!r})")


def _numbers(frame: pl.DataFrame, columns: Sequence[str]) -> list[pl.Expr]:
    for column in columns:
        if not (frame.schema[column].is_numeric() or frame.schema[column] == pl.Null):
            raise PanelError(
                f"column {column} is {frame.schema[column]}, not a number (first value: {frame[column][0]!r})"
            )
    return [pl.col(column).cast(pl.Float64) for column in columns]


def _refuse_two_spellings(rows: pl.DataFrame) -> None:
    spellings = rows.select(pl.col("geo").unique()).group_by(pl.col("geo").str.to_lowercase().alias("name")).agg("geo")
    for names in spellings.filter(pl.col("geo").list.len() > 1).sort("name")["geo"].to_list():
        raise PanelError(
            f"geos {' and '.join(repr(n) for n in sorted(names))} differ only in capitals: use one spelling"
        )


def _refuse_duplicates(rows: pl.DataFrame) -> None:
    twice = rows.group_by("geo", "date").len().filter(pl.col("len") > 1).sort("geo", "date")
    if twice.height:
        row = twice.row(0, named=True)
        raise PanelError(
            f"geo {row['geo']!r} has {row['len']} rows on {row['date']} ({twice.height} such geo-days):"
            " add them up or remove the copies, then read again"
        )


def _refuse_gaps(rows: pl.DataFrame, geos: list[str], dates: list[date]) -> None:
    if rows.height == len(geos) * len(dates):
        return
    every = pl.DataFrame({"geo": geos}).join(pl.DataFrame({"date": dates}), how="cross")
    missing = every.join(rows, on=["geo", "date"], how="anti").sort("geo", "date")
    row = missing.row(0, named=True)
    raise PanelError(
        f"geo {row['geo']!r} has no row on {row['date']} ({missing.height} geo-days are missing in"
        f" {missing['geo'].n_unique()} geos): deliver them, or write 0 if the source confirms that nothing happened"
    )


def _grain(dates: list[date]) -> Grain:
    if len(dates) < 2:
        raise PanelError(f"the panel has one date only ({dates[0]}): a test needs periods before and after its start")
    steps = {(later - earlier).days for earlier, later in pairwise(dates)}
    if len(steps) == 1 and (step := steps.copy().pop()) in GRAIN_OF_STEP:
        return GRAIN_OF_STEP[step]  # type: ignore[return-value]
    if steps <= {28, 29, 30, 31} and len({d.day for d in dates}) == 1:
        return "month"
    if steps <= {365, 366}:
        return "year"
    usual = min(steps)
    for earlier, later in pairwise(dates):
        if (later - earlier).days != usual:
            raise PanelError(
                f"no geo has a row between {earlier} and {later}, while other dates are {usual} days apart:"
                " a day, week, month or year is missing everywhere; deliver it"
            )
    raise PanelError(f"dates are {usual} days apart: a panel is by day, week, month or year")


def _refuse_values(rows: pl.DataFrame, column: str, *, allow_negative: bool) -> None:
    broken = rows.filter(pl.col(column).is_null() | ~pl.col(column).is_finite())
    if broken.height:
        row = broken.row(0, named=True)
        shown = "empty" if row[column] is None else row[column]
        raise PanelError(
            f"geo {row['geo']!r} on {row['date']}: {column} is {shown} ({broken.height} such values):"
            " deliver the number"
        )
    below = rows.filter(pl.col(column) < 0)
    if below.height and not allow_negative:
        row = below.row(0, named=True)
        advice = "pass allow_negative=True if it is net of refunds" if column == "kpi" else "credits do not belong here"
        raise PanelError(
            f"geo {row['geo']!r} on {row['date']}: {column} is {row[column]:g}, below zero"
            f" ({below.height} such values): {advice}"
        )


def _period_end(first: date, grain: Grain) -> date:
    return first + timedelta(days=364) if grain == "year" else last_day(first, grain)


def _some(names: Sequence[str], limit: int = 6) -> str:
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")
