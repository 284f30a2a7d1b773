"""From columns of a long frame to checked arrays: every refusal names column, row, value and fix."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date as Date

import numpy as np
import polars as pl

from models.mmm.panel.error import MMMError
from models.periods import Grain, grain_of, missing_dates
from models.warning import Warning

MIN_PERIODS: dict[Grain, int] = {"day": 60, "week": 26, "month": 18}
ANSWER_KEYS = (
    ("truth__", "prefix"),
    ("contribution_", "prefix"),
    ("hidden_", "prefix"),
    ("_effect", "suffix"),
    ("_contribution", "suffix"),
    ("epsilon", "exact"),
    ("y01", "exact"),
    ("y02", "exact"),
)
TIME_OF_DAY = r"[T ]\d{1,2}:\d{2}.*$"


class Reader:
    """Turns columns of a long frame into (G, T, n) arrays after the keys were proven complete and unique."""

    def __init__(self, frame: pl.DataFrame, date: str, geo: str | None) -> None:
        leaked = answer_keys(frame.columns)
        if leaked:
            raise MMMError(
                f"column {leaked[0]!r} looks like an answer key (true effects): drop {', '.join(leaked)} before fitting"
            )
        self.columns = set(frame.columns)
        self.need([date] + ([geo] if geo else []))
        days = _as_dates(frame, date)
        geos = frame[geo].cast(pl.String) if geo else pl.Series([""] * frame.height, dtype=pl.String)
        if geos.null_count():
            raise MMMError(
                f"column {geo!r} is empty in {geos.null_count()} rows, first in row {_first(geos.is_null())}: every row"
                " needs its geo"
            )
        self.frame = frame.with_columns(days.alias("__date"), geos.alias("__geo")).sort("__geo", "__date")
        twice = self.frame.group_by("__geo", "__date").len().filter(pl.col("len") > 1).sort("__geo", "__date")
        if twice.height:
            where, when, many = twice.row(0)
            at = f" with {geo} {where!r}" if geo else ""
            raise MMMError(
                f"column {date!r}: {when}{at} appears {many} times ({twice.height} keys are duplicated): "
                + ("sum or drop them" if geo else "sum them, or name the geo column if rows are regions")
            )
        self.dates: tuple[Date, ...] = tuple(self.frame["__date"].unique().sort())
        self.geos: tuple[str, ...] = tuple(self.frame["__geo"].unique().sort()) if geo else ("all",)
        self.grain: Grain = grain_of(self.dates, date)
        gaps = missing_dates(self.dates, self.grain, date)
        if gaps:
            raise MMMError(
                f"column {date!r}: {len(gaps)} {self.grain}(s) are missing between {self.dates[0]} and"
                f" {self.dates[-1]},"
                f" first {gaps[0]}: carryover runs over rows, so add them (spend 0 if nothing ran, KPI as booked)"
            )
        holes = len(self.geos) * len(self.dates) - frame.height
        if holes:
            have = set(self.frame.select("__geo", "__date").iter_rows())
            first = next((g, d) for g in self.frame["__geo"].unique().sort() for d in self.dates if (g, d) not in have)
            raise MMMError(
                f"column {date!r}: {holes} of {len(self.geos) * len(self.dates)} geo-{self.grain} rows are missing,"
                f" first {geo} {first[0]!r} on {first[1]}: add them (spend 0 if nothing ran) or drop that {geo}"
            )
        if len(self.dates) < MIN_PERIODS[self.grain]:
            raise MMMError(
                f"column {date!r} holds {len(self.dates)} {self.grain}s of data: carryover and season need at least"
                f" {MIN_PERIODS[self.grain]} {self.grain}s. Deliver a longer history"
            )
        self.findings: list[Warning] = []

    def need(self, columns: Sequence[str]) -> None:
        for column in columns:
            if column not in self.columns:
                raise MMMError(f"column {column!r} is not in the frame; it has {', '.join(sorted(self.columns))}")

    def cube(self, columns: Iterable[str], *, nonnegative: bool = False) -> np.ndarray:
        names = list(columns)
        self.need(names)
        shape = (len(self.geos), len(self.dates))
        out = np.empty((*shape, len(names)))
        for index, name in enumerate(names):
            values = self.numbers(name)
            bad = ~np.isfinite(values)
            if bad.any():
                what = "infinite" if np.isinf(values[bad]).all() else "empty or not a number"
                raise MMMError(
                    f"column {name!r} is {what} in {int(bad.sum())} rows, first {self._place(bad)}:"
                    " fill it (0 only if that is the truth), or begin the data after it"
                )
            if nonnegative and (values < 0).any():
                below = values < 0
                raise MMMError(
                    f"column {name!r} is {values[np.argmax(below)]:g} {self._place(below)} and below zero in"
                    f" {int(below.sum())} rows: it cannot be negative. Book a refund or credit in the period of the"
                    " spend it belongs to"
                )
            out[:, :, index] = values.reshape(shape)
        return out

    def numbers(self, name: str) -> np.ndarray:
        """Values (rows,) of one column, NaN where empty. Raises ValueError where it holds something else."""
        self.need([name])
        series = self.frame[name]
        if series.dtype == pl.Null:
            raise MMMError(f"column {name!r} is empty in every row: deliver it, or leave it out")
        if not (series.dtype.is_numeric() or series.dtype == pl.Boolean):
            odd = series.is_not_null()
            if series.dtype == pl.String and (odd & series.cast(pl.Float64, strict=False).is_null()).any():
                odd &= series.cast(pl.Float64, strict=False).is_null()
            raise MMMError(
                f"column {name!r} holds {series.dtype}, not numbers: {series.filter(odd)[0]!r}"
                f" {self._place(odd.to_numpy())}. Convert it: no thousands separators or currency signs, a point before"
                " decimals"
            )
        return np.asarray(series.cast(pl.Float64).to_numpy())

    def _place(self, where: np.ndarray) -> str:
        row = self.frame.row(int(np.argmax(where)), named=True)
        return f"on {row['__date']}" + (f" in {row['__geo']}" if row["__geo"] else "")

    def measured(self, channel: str, column: str, error: str) -> tuple[np.ndarray, np.ndarray, list[Warning]]:
        """Value and standard error (G, T) of a series that is itself an estimate; unmeasured rows have error inf."""
        self.need([column, error])
        shape = (len(self.geos), len(self.dates))
        value, se = (self.numbers(name).reshape(shape) for name in (column, error))
        measured = np.isfinite(value) & np.isfinite(se)
        if measured.sum() < 8:
            raise MMMError(
                f"column {column!r} of channel {channel!r} was measured in {int(measured.sum())} rows: its movement"
                " cannot be separated from its error. Leave the channel out until there are more"
            )
        if (se[measured] < 0).any() or not (se[measured] > 0).any():
            raise MMMError(
                f"column {error!r} of channel {channel!r} holds standard errors: none below zero and not all zero."
                " For an exact series leave it out of organic_se"
            )
        if (value[measured] < 0).any():
            raise MMMError(
                f"column {column!r} of channel {channel!r} is {value[measured].min():g}: media is not negative"
            )
        missing = int((~measured).any(axis=0).sum())
        notes = []
        if missing:
            notes.append(
                Warning(
                    "media_not_measured",
                    "low" if missing <= 0.25 * shape[1] else "medium",
                    channel,
                    f"{channel} was not measured in {missing} of {shape[1]} periods; its values there are inferred from"
                    " neighbouring periods, with their own uncertainty.",
                    f"Measure {channel} in every period, or apply its number to the measured periods only.",
                )
            )
        return np.where(measured, value, value[measured].mean()), np.where(measured, se, np.inf), notes


def answer_keys(columns: Sequence[str]) -> list[str]:
    """Columns that contain the true effects of a simulator, by name; a model that sees them measures nothing."""
    test: dict[str, Callable[[str, str], bool]] = {
        "prefix": str.startswith,
        "suffix": str.endswith,
        "exact": str.__eq__,
    }
    return [c for c in columns if any(test[kind](c, text) for text, kind in ANSWER_KEYS)]


def _as_dates(frame: pl.DataFrame, column: str) -> pl.Series:
    series = frame[column]
    if series.null_count():
        raise MMMError(
            f"column {column!r} is empty in {series.null_count()} rows, first in row {_first(series.is_null())}:"
            " every row needs its date"
        )
    if series.dtype == pl.String:
        parsed = series.str.strip_chars().str.replace(TIME_OF_DAY, "").str.to_date("%Y-%m-%d", strict=False)
        bad = parsed.is_null()
        if bad.any():
            raise MMMError(
                f"{series.filter(bad)[0]!r} is not a date like 2026-01-31",
                row=_first(bad),
                key=f"column {column!r}",
                value=series.filter(bad)[0],
                fix="convert dates first, as in frame.with_columns(pl.col(...).str.to_date('%d.%m.%Y'))",
            )
        return parsed
    if series.dtype == pl.Datetime:
        return series.dt.date()  # the local day of the column's own time zone
    if series.dtype != pl.Date:
        raise MMMError(
            f"column {column!r} holds {series.dtype} ({series[0]!r} in its first row), not dates: convert it to Date"
            if series.len()
            else f"column {column!r} has no rows"
        )
    return series


def _first(where: pl.Series) -> int:
    """Number of the first true row, counted from 1."""
    row = where.arg_max()
    return 1 + (row or 0)


def refuse_dead_channel(channel: str, column: str, values: np.ndarray) -> None:
    if not (values > 0).any():
        raise MMMError(f"column {column!r} of channel {channel!r} is zero in every row: leave the channel out")
    if (values > 0).sum() < 3:
        raise MMMError(
            f"column {column!r} of channel {channel!r} is above zero in {int((values > 0).sum())} row(s):"
            " nothing can be learned from so little. Join it with a related channel, or leave it out"
        )
