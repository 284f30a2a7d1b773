"""From columns of a long frame to checked arrays: every refusal names column, row, value and fix."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date as Date
from typing import Literal, get_args

import numpy as np
import polars as pl

from models.mmm.calendar import Grain, grain_of, missing_dates
from models.warning import Warning

Role = Literal["confounder", "precision", "irrelevant", "mediator", "collider", "instrument", "event"]
MIN_PERIODS: dict[Grain, int] = {"day": 60, "week": 26, "month": 18}
ANSWER_KEYS = (("truth__", "prefix"), ("contribution_", "prefix"), ("hidden_", "prefix"), ("_effect", "suffix"),
               ("_contribution", "suffix"), ("epsilon", "exact"), ("y01", "exact"), ("y02", "exact"))  # fmt: skip


class Reader:
    """Turns columns of a long frame into (G, T, n) arrays after the keys were proven complete and unique."""

    def __init__(self, frame: pl.DataFrame, date: str, geo: str | None) -> None:
        leaked = answer_keys(frame.columns)
        if leaked:
            raise ValueError(
                f"column {leaked[0]!r} looks like an answer key (true effects): drop {', '.join(leaked)} before fitting"
            )
        self.columns = set(frame.columns)
        self.need([date] + ([geo] if geo else []))
        days = _as_dates(frame, date)
        geos = frame[geo].cast(pl.String) if geo else pl.Series([""] * frame.height, dtype=pl.String)
        if geos.null_count():
            raise ValueError(f"column {geo!r} is empty in {geos.null_count()} rows: every row needs its geo")
        self.frame = frame.with_columns(days.alias("__date"), geos.alias("__geo")).sort("__geo", "__date")
        twice = self.frame.group_by("__geo", "__date").len().filter(pl.col("len") > 1).sort("__geo", "__date")
        if twice.height:
            where, when, many = twice.row(0)
            at = f" and {geo} {where!r}" if geo else ""
            raise ValueError(
                f"{date} {when}{at} appears {many} times ({twice.height} keys are duplicated): "
                + ("sum or drop them" if geo else "sum them, or name the geo column if rows are regions")
            )
        self.dates: tuple[Date, ...] = tuple(self.frame["__date"].unique().sort())
        self.geos: tuple[str, ...] = tuple(self.frame["__geo"].unique().sort()) if geo else ("all",)
        self.grain: Grain = grain_of(self.dates, date)
        gaps = missing_dates(self.dates, self.grain)
        if gaps:
            raise ValueError(
                f"column {date!r}: {len(gaps)} {self.grain}(s) are missing between {self.dates[0]} and"
                f" {self.dates[-1]},"
                f" first {gaps[0]}: carryover runs over rows, so add them (spend 0 if nothing ran, KPI as booked)"
            )
        holes = len(self.geos) * len(self.dates) - frame.height
        if holes:
            have = set(self.frame.select("__geo", "__date").iter_rows())
            first = next((g, d) for g in self.frame["__geo"].unique().sort() for d in self.dates if (g, d) not in have)
            raise ValueError(
                f"{holes} of {len(self.geos) * len(self.dates)} geo-{self.grain} rows are missing, first"
                f" {geo} {first[0]!r} on {first[1]}: add them (spend 0 if nothing ran) or drop that {geo}"
            )
        if len(self.dates) < MIN_PERIODS[self.grain]:
            raise ValueError(
                f"{len(self.dates)} {self.grain}s of data: carryover and season need at least"
                f" {MIN_PERIODS[self.grain]} {self.grain}s. Deliver a longer history"
            )
        self.findings: list[Warning] = []

    def need(self, columns: Sequence[str]) -> None:
        for column in columns:
            if column not in self.columns:
                raise ValueError(f"column {column!r} is not in the frame; it has {', '.join(sorted(self.columns))}")

    def cube(self, columns: Iterable[str], *, nonnegative: bool = False) -> np.ndarray:
        names = list(columns)
        self.need(names)
        shape = (len(self.geos), len(self.dates))
        out = np.empty((*shape, len(names)))
        for index, name in enumerate(names):
            series = self.frame[name]
            if not (series.dtype.is_numeric() or series.dtype == pl.Boolean):
                raise ValueError(f"column {name!r} holds {series.dtype}, not numbers: {series[0]!r} in its first row")
            values = series.cast(pl.Float64).to_numpy()
            bad = ~np.isfinite(values)
            if bad.any():
                row = self.frame.row(int(np.argmax(bad)), named=True)
                raise ValueError(
                    f"column {name!r} is empty or not a number in {int(bad.sum())} rows, first on {row['__date']}"
                    f"{' in ' + row['__geo'] if row['__geo'] else ''}: fill it (0 only if that is the truth) or drop it"
                )
            if nonnegative and (values < 0).any():
                row = self.frame.row(int(np.argmax(values < 0)), named=True)
                raise ValueError(
                    f"column {name!r} is {row[name]:g} on {row['__date']}: media cannot be negative."
                    " Book credits in the period of the spend"
                )
            out[:, :, index] = values.reshape(shape)
        return out

    def measured(self, channel: str, column: str, error: str) -> tuple[np.ndarray, np.ndarray, list[Warning]]:
        """Value and standard error (G, T) of a series that is itself an estimate; unmeasured rows have error inf."""
        self.need([column, error])
        shape = (len(self.geos), len(self.dates))
        both = []
        for name in (column, error):
            if not self.frame[name].dtype.is_numeric():
                raise ValueError(f"column {name!r} holds {self.frame[name].dtype}, not numbers")
            both.append(self.frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy().reshape(shape))
        value, se = both
        known = np.isfinite(value) & np.isfinite(se)
        if known.sum() < 8:
            raise ValueError(
                f"column {column!r} of channel {channel!r} was measured in {int(known.sum())} rows: its movement"
                " cannot be told from its error. Leave the channel out until there are more"
            )
        if (se[known] < 0).any() or not (se[known] > 0).any():
            raise ValueError(
                f"column {error!r} of channel {channel!r} holds standard errors: none below zero and not all zero."
                " For an exact series leave it out of organic_se"
            )
        if (value[known] < 0).any():
            raise ValueError(
                f"column {column!r} of channel {channel!r} is {value[known].min():g}: media is not negative"
            )
        missing = int((~known).any(axis=0).sum())
        notes = []
        if missing:
            notes.append(Warning(
                "media_not_measured", "low" if missing <= 0.25 * shape[1] else "medium", channel,
                f"{channel} was not measured in {missing} of {shape[1]} periods; its course there is inferred from its"
                " neighbours and carries its own uncertainty.",
                f"Measure {channel} in every period, or read its number as the measured periods' only.",
            ))  # fmt: skip
        return np.where(known, value, value[known].mean()), np.where(known, se, np.inf), notes


def answer_keys(columns: Sequence[str]) -> list[str]:
    """Columns that carry a simulator's truth, by name; a model that sees them measures nothing."""
    test: dict[str, Callable[[str, str], bool]] = {
        "prefix": str.startswith,
        "suffix": str.endswith,
        "exact": str.__eq__,
    }
    return [c for c in columns if any(test[kind](c, text) for text, kind in ANSWER_KEYS)]


def _as_dates(frame: pl.DataFrame, column: str) -> pl.Series:
    series = frame[column]
    if series.dtype == pl.String:
        parsed = series.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
        bad = parsed.is_null()
        if bad.any():
            raise ValueError(f"column {column!r}: {series.filter(bad)[0]!r} is not a date like 2026-01-31")
        return parsed
    if series.dtype not in (pl.Date, pl.Datetime):
        raise ValueError(f"column {column!r} holds {series.dtype}, not dates: convert it to Date")
    if series.null_count():
        raise ValueError(f"column {column!r} is empty in {series.null_count()} rows: every row needs its date")
    return series.cast(pl.Date)


def checked_roles(controls: Mapping[str, Role]) -> dict[str, Role]:
    for column, role in controls.items():
        if role not in get_args(Role):
            raise ValueError(f"control {column!r}: role {role!r} is unknown, one of {', '.join(get_args(Role))}")
        if role in ("mediator", "collider", "instrument"):
            why = {
                "mediator": "it carries part of a channel's effect, and controlling for it would remove that part."
                " Give it as mediators={name: Mediator(column, channels)} instead",
                "collider": "media and sales both move it, and controlling for it makes a false link between them",
                "instrument": "it acts only through spend, and controlling for it makes hidden demand worse",
            }[role]
            raise ValueError(f"control {column!r} is declared {role}: {why}. Leave it out of controls")
    return dict(controls)


def refuse_reused_columns(
    kpi: str,
    spend: Mapping[str, str],
    organic: Mapping[str, str],
    controls: Mapping[str, Role],
    mediators: Mapping[str, str],
) -> None:
    """Raises ValueError when one column is given two meanings."""
    seen: dict[str, str] = {kpi: "the KPI"}
    named = [(c, f"channel {ch!r}") for ch, c in {**spend, **organic}.items()]
    named += [(c, f"mediator {name!r}") for name, c in mediators.items()]
    for column, use in named + [(c, "a control") for c in controls]:
        if column in seen:
            raise ValueError(f"column {column!r} is used twice: as {seen[column]} and as {use}")
        seen[column] = use


def refuse_dead_channel(channel: str, column: str, values: np.ndarray) -> None:
    if not (values > 0).any():
        raise ValueError(f"column {column!r} of channel {channel!r} is zero in every row: leave the channel out")
    if (values > 0).sum() < 3:
        raise ValueError(
            f"column {column!r} of channel {channel!r} is above zero in {int((values > 0).sum())} row(s):"
            " nothing can be learned from so little. Join it with a related channel, or leave it out"
        )
