"""What the model is fitted on: one validated panel of KPI, media, controls and treatments. No statistics here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date as Date
from typing import Literal, get_args

import numpy as np
import polars as pl

from models.mmm.calendar import Grain, grain_of, missing_dates
from models.warning import Warning

Role = Literal["confounder", "precision", "irrelevant", "mediator", "collider", "instrument"]
KpiUnit = Literal["revenue", "count"]
MIN_PERIODS: dict[Grain, int] = {"day": 60, "week": 26, "month": 18}
ANSWER_KEYS = (("truth__", "prefix"), ("contribution_", "prefix"), ("hidden_", "prefix"), ("_effect", "suffix"),
               ("_contribution", "suffix"), ("epsilon", "exact"), ("y01", "exact"), ("y02", "exact"))  # fmt: skip


@dataclass(frozen=True)
class Treatment:
    """A lever without media money behind it (price, promotion): `baseline` is the value that counts as no treatment."""

    column: str
    baseline: float


@dataclass(frozen=True, eq=False)
class MMMData:
    """One balanced panel, geos by periods, checked on entry; build it with `from_frame`.

    Arrays: kpi (G, T), media (G, T, C) with the paid channels first, spend (G, T, P) for the P paid ones, frequency
    (G, T, C) or None, controls (G, T, K), treatments (G, T, N). `media` is what drives the response: spend itself or,
    where declared, exposure (impressions, reach). `value_per_kpi` turns KPI units into money, None when unknown.
    """

    dates: tuple[Date, ...]
    grain: Grain
    geos: tuple[str, ...]
    kpi_name: str
    kpi_unit: KpiUnit
    value_per_kpi: float | None
    kpi: np.ndarray
    channels: tuple[str, ...]
    organic: tuple[str, ...]
    media: np.ndarray
    spend: np.ndarray
    frequency: np.ndarray | None
    control_names: tuple[str, ...]
    control_roles: tuple[Role, ...]
    controls: np.ndarray
    treatment_names: tuple[str, ...]
    treatment_baselines: tuple[float, ...]
    treatments: np.ndarray
    population: np.ndarray | None
    findings: tuple[Warning, ...] = ()

    @property
    def media_names(self) -> tuple[str, ...]:
        """Every series that goes through carryover and saturation: the paid channels, then the organic ones."""
        return self.channels + self.organic

    @property
    def money_per_kpi(self) -> float:
        """Money that one KPI unit stands for; 1 when the KPI is money already or its value is unknown."""
        return 1.0 if self.kpi_unit == "revenue" or self.value_per_kpi is None else self.value_per_kpi

    @classmethod
    def from_frame(
        cls,
        frame: pl.DataFrame,
        *,
        date: str,
        kpi: str,
        spend: Mapping[str, str],
        controls: Mapping[str, Role] | None = None,
        geo: str | None = None,
        organic: Mapping[str, str] | None = None,
        exposure: Mapping[str, str] | None = None,
        reach: Mapping[str, tuple[str, str]] | None = None,
        treatments: Sequence[Treatment] = (),
        population: str | None = None,
        kpi_unit: KpiUnit = "revenue",
        value_per_kpi: float | None = None,
    ) -> MMMData:
        """Validated panel from one row per date (and geo).

        `spend` maps channel to its money column; `exposure` maps a channel to the column that drives its response when
        that is not money (impressions), `reach` to the pair (reach column, frequency column); `organic` maps channels
        without money to their volume column; `controls` maps column to causal role. All numbers are totals of the
        period, in one currency. Raises ValueError naming column, value and fix; lesser findings stay in `findings`.
        """
        reader = _Reader(frame, date, geo)
        organic, exposure, reach, controls = organic or {}, exposure or {}, reach or {}, controls or {}
        if not spend:
            raise ValueError("spend={}: name at least one paid channel and its money column")
        doubled = sorted(set(spend) & set(organic))
        if doubled:
            raise ValueError(f"channel {doubled[0]!r} is both paid (spend) and organic: give it one meaning")
        for label, mapping in (("exposure", exposure), ("reach", reach)):
            unknown = sorted(set(mapping) - set(spend) - set(organic))
            if unknown:
                raise ValueError(f"{label} names channel {unknown[0]!r}, which is neither in spend nor in organic")
        _refuse_reused_columns(kpi, spend, organic, controls)
        findings: list[Warning] = list(reader.findings)
        spend_cube = reader.cube(spend.values(), nonnegative=True)
        driver = {
            c: reach[c][0] if c in reach else exposure.get(c, column) for c, column in {**spend, **organic}.items()
        }
        media = reader.cube(driver.values(), nonnegative=True)
        frequency = None
        if reach:
            frequency = np.ones_like(media)
            for index, channel in enumerate(driver):
                if channel in reach:
                    frequency[:, :, index] = reader.cube([reach[channel][1]], nonnegative=True)[:, :, 0]
        for index, (channel, column) in enumerate(driver.items()):
            _refuse_dead_channel(channel, column, media[:, :, index])
            if channel in spend and spend_cube[:, :, list(spend).index(channel)].sum() <= 0:
                raise ValueError(
                    f"column {spend[channel]!r} of channel {channel!r} holds no spend: iROAS has no denominator."
                    " Move it to organic, or leave it out"
                )
        roles = _checked_roles(controls)
        kept = [c for c, role in roles.items() if role != "irrelevant"]
        kpi_values = reader.cube([kpi])[:, :, 0]
        if np.ptp(kpi_values) == 0:
            raise ValueError(f"column {kpi!r} is {kpi_values.flat[0]:g} in every row: there is nothing to explain")
        if (kpi_values < 0).any():
            findings.append(Warning(
                "negative_kpi", "medium", kpi,
                f"{int((kpi_values < 0).sum())} periods have a {kpi} below zero (refunds or corrections).",
                "Check whether refunds belong to the period of the sale; the model runs on the signed series.",
            ))  # fmt: skip
        if value_per_kpi is not None and not value_per_kpi > 0:
            raise ValueError(f"value_per_kpi={value_per_kpi}: must be above zero, or None when unknown")
        people = None
        if population is not None:
            cube = reader.cube([population], nonnegative=True)[:, :, 0]
            people = cube.mean(axis=1)
            if not (people > 0).all():
                raise ValueError(
                    f"column {population!r}: geo {reader.geos[int(np.argmin(people))]!r} has no population"
                )
        return cls(
            dates=reader.dates,
            grain=reader.grain,
            geos=reader.geos,
            kpi_name=kpi,
            kpi_unit=kpi_unit,
            value_per_kpi=value_per_kpi,
            kpi=kpi_values,
            channels=tuple(spend),
            organic=tuple(organic),
            media=media,
            spend=spend_cube,
            frequency=frequency,
            control_names=tuple(kept),
            control_roles=tuple(roles[c] for c in kept),
            controls=reader.cube(kept),
            treatment_names=tuple(t.column for t in treatments),
            treatment_baselines=tuple(t.baseline for t in treatments),
            treatments=reader.cube([t.column for t in treatments]),
            population=people,
            findings=tuple(findings),
        )

    def between(self, start: Date, end: Date) -> MMMData:
        """The same panel cut to the periods whose date lies in [start, end]; carry-in from before is lost."""
        keep = np.array([start <= d <= end for d in self.dates])
        if not keep.any():
            raise ValueError(f"no period between {start} and {end}: the data run {self.dates[0]} to {self.dates[-1]}")
        return self.rows(keep)

    def rows(self, keep: np.ndarray) -> MMMData:
        """The periods where `keep` (T,) is true."""
        from dataclasses import replace

        return replace(
            self,
            dates=tuple(d for d, k in zip(self.dates, keep, strict=True) if k),
            kpi=self.kpi[:, keep],
            media=self.media[:, keep],
            spend=self.spend[:, keep],
            frequency=None if self.frequency is None else self.frequency[:, keep],
            controls=self.controls[:, keep],
            treatments=self.treatments[:, keep],
        )


class _Reader:
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


def _checked_roles(controls: Mapping[str, Role]) -> dict[str, Role]:
    for column, role in controls.items():
        if role not in get_args(Role):
            raise ValueError(f"control {column!r}: role {role!r} is unknown, one of {', '.join(get_args(Role))}")
        if role in ("mediator", "collider", "instrument"):
            why = {
                "mediator": "it carries part of a channel's effect, and controlling for it would remove that part",
                "collider": "media and sales both move it, and controlling for it makes a false link between them",
                "instrument": "it acts only through spend, and controlling for it makes hidden demand worse",
            }[role]
            raise ValueError(f"control {column!r} is declared {role}: {why}. Leave it out of controls")
    return dict(controls)


def _refuse_reused_columns(
    kpi: str, spend: Mapping[str, str], organic: Mapping[str, str], controls: Mapping[str, Role]
) -> None:
    seen: dict[str, str] = {kpi: "the KPI"}
    named = [(c, f"channel {ch!r}") for ch, c in {**spend, **organic}.items()]
    for column, use in named + [(c, "a control") for c in controls]:
        if column in seen:
            raise ValueError(f"column {column!r} is used twice: as {seen[column]} and as {use}")
        seen[column] = use


def _refuse_dead_channel(channel: str, column: str, values: np.ndarray) -> None:
    if not (values > 0).any():
        raise ValueError(f"column {column!r} of channel {channel!r} is zero in every row: leave the channel out")
    if (values > 0).sum() < 3:
        raise ValueError(
            f"column {column!r} of channel {channel!r} is above zero in {int((values > 0).sum())} row(s):"
            " nothing can be learned from so little. Join it with a related channel, or leave it out"
        )
