"""The model's data: one validated panel of KPI, media, controls and treatments. No statistics here."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date as Date
from typing import get_args

import numpy as np
import polars as pl

from models.mmm.panel import arguments, plausibility
from models.mmm.panel.columns import Reader, refuse_dead_channel
from models.mmm.panel.error import MMMError
from models.mmm.panel.roles import KpiUnit, Mediator, Role, Treatment
from models.periods import Grain, days_per_period
from models.warning import Warning

DARK_SHARE = 0.1  # share of periods in which a channel must be low to count as having gone dark
DARK_LEVEL = 0.2  # 'low' is below this multiple of the channel's mean


@dataclass(frozen=True, eq=False)
class MMMData:
    """One balanced panel, geos by periods, checked on entry; build it with `from_frame`.

    Arrays: kpi (G, T), media (G, T, C) with the paid channels first, spend (G, T, P) for the P paid ones, frequency
    (G, T, C) or None, controls (G, T, K), treatments (G, T, N), mediators (G, T, M) with `mediator_paths` (M, C) true
    where the channel moves the mediator. `media` is what drives the response: spend itself or, where declared,
    exposure (impressions, reach). `media_se` (G, T, C) is the measurement's standard error: 0 exact, inf not measured.
    `levels` names organic series that are a state (share, index) rather than a volume. `value_per_kpi` turns KPI units
    into money, None when unknown.
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
    media_se: np.ndarray | None = None
    levels: tuple[str, ...] = ()
    mediator_names: tuple[str, ...] = ()
    mediator_paths: np.ndarray | None = None
    mediators: np.ndarray | None = None

    @property
    def media_names(self) -> tuple[str, ...]:
        """Every series that goes through carryover and saturation: the paid channels, then the organic ones."""
        return self.channels + self.organic

    @property
    def money_per_kpi(self) -> float:
        """Money that one KPI unit stands for; 1 when the KPI is money already or its value is unknown."""
        return 1.0 if self.kpi_unit == "revenue" or self.value_per_kpi is None else self.value_per_kpi

    @property
    def by_frequency(self) -> np.ndarray:
        """Which series (C,) are reach with a frequency beside it."""
        if self.frequency is None:
            return np.zeros(len(self.media_names), dtype=bool)
        return np.asarray((self.frequency != 1).any(axis=(0, 1)))

    @classmethod
    def from_frame(
        cls,
        frame: pl.DataFrame | pl.LazyFrame,
        *,
        date: str,
        kpi: str,
        spend: Mapping[str, str],
        controls: Mapping[str, Role] | None = None,
        geo: str | None = None,
        organic: Mapping[str, str] | None = None,
        organic_se: Mapping[str, str] | None = None,
        levels: Collection[str] = (),
        exposure: Mapping[str, str] | None = None,
        reach: Mapping[str, tuple[str, str]] | None = None,
        mediators: Mapping[str, Mediator] | None = None,
        treatments: Sequence[Treatment] = (),
        events: Mapping[str, Sequence[Date]] | None = None,
        population: str | None = None,
        kpi_unit: KpiUnit | None = None,
        value_per_kpi: float | None = None,
    ) -> MMMData:
        """Validated panel from one row per date (and geo).

        `spend` maps channel to its money column; `exposure` maps a channel to the column that drives its response when
        that is not money (impressions), `reach` to the pair (reach column, average frequency column); `organic` maps
        channels without money to their volume column. `organic_se` maps an organic channel that is itself an estimate
        (AI visibility) to the column of its standard error; rows where value or error is empty count as not measured.
        `levels` names organic channels that are a share or index: not divided by the region's size and, unless a
        half-life is given, without carryover. `mediators` maps a name to the series that channels move on their way to
        the KPI. `controls` maps column to causal role; `events` maps a name to its dates, counted per period in every
        region. A KPI that counts something has `kpi_unit="count"`, which a `value_per_kpi` says too; else it is money.
        All volumes are totals of the period, money in one currency. Raises ValueError naming column, value
        and fix; lesser findings stay in `findings`.
        """
        organic, exposure, reach, controls = organic or {}, exposure or {}, reach or {}, controls or {}
        organic_se, mediators, events = organic_se or {}, mediators or {}, events or {}
        arguments.refuse_wrong_kinds(
            spend=spend,
            organic=organic,
            exposure=exposure,
            reach=reach,
            controls=controls,
            organic_se=organic_se,
            mediators=mediators,
            events=events,
        )
        kpi_unit = kpi_unit or ("revenue" if value_per_kpi is None else "count")
        if kpi_unit not in get_args(KpiUnit):
            raise MMMError(f"kpi_unit={kpi_unit!r}: one of {', '.join(get_args(KpiUnit))}")
        if value_per_kpi is not None and not (value_per_kpi > 0 and np.isfinite(value_per_kpi)):
            raise MMMError(f"value_per_kpi={value_per_kpi}: must be a number above zero, or None when unknown")
        if kpi_unit == "revenue" and value_per_kpi not in (None, 1):
            raise MMMError(
                f"value_per_kpi={value_per_kpi} with kpi_unit='revenue': a KPI in money has no value per unit. Give"
                " kpi_unit='count' if the KPI counts something, or leave value_per_kpi out"
            )
        reader = Reader(arguments.as_frame(frame), date, geo)
        if not spend:
            raise MMMError("spend={}: name at least one paid channel and its money column")
        arguments.refuse_unknown_channels(spend, organic, exposure, reach, organic_se, levels, mediators)
        arguments.refuse_reused_columns(kpi, spend, organic, controls, mediators, treatments)
        arguments.refuse_unclear_names(
            (*spend, *organic), [t.column for t in treatments], mediators, events=bool(events), controls=bool(controls)
        )
        findings: list[Warning] = []
        spend_cube = reader.cube(spend.values(), nonnegative=True)
        driver = {
            c: reach[c][0] if c in reach else exposure.get(c, column) for c, column in {**spend, **organic}.items()
        }
        media = np.empty((len(reader.geos), len(reader.dates), len(driver)))
        errors = np.zeros_like(media)
        for index, (channel, column) in enumerate(driver.items()):
            if channel in organic_se:
                media[:, :, index], errors[:, :, index], note = reader.measured(channel, column, organic_se[channel])
                findings += note
            else:
                media[:, :, index] = reader.cube([column], nonnegative=True)[:, :, 0]
        frequency = _frequency(reader, driver, reach, media) if reach else None
        for index, (channel, column) in enumerate(driver.items()):
            refuse_dead_channel(channel, column, media[:, :, index])
            if channel not in spend:
                continue
            money = spend_cube[:, :, list(spend).index(channel)]
            if money.sum() <= 0:
                raise MMMError(
                    f"column {spend[channel]!r} of channel {channel!r} holds no spend: iROAS has no denominator."
                    " Move it to organic, or leave it out"
                )
            findings += plausibility.spend_findings(channel, money, reader.dates)
            if column != spend[channel]:
                findings += plausibility.delivery_findings(channel, column, money, media[:, :, index], reader.dates)
        roles = arguments.checked_roles(controls)
        used_controls = [c for c, role in roles.items() if role != "irrelevant"]
        used_roles: list[Role] = [roles[c] for c in used_controls]
        used_roles += ["event"] * len(events)
        kpi_values = reader.cube([kpi])[:, :, 0]
        plausibility.refuse_unusable_kpi(kpi, kpi_values, reader.dates, reader.geos, geo)
        for index, (channel, column) in enumerate(driver.items()):
            findings += plausibility.media_findings(channel, column, media[:, :, index], kpi, kpi_values)
        findings += plausibility.kpi_findings(kpi, kpi_values, reader.dates)
        levers = [t.column for t in treatments]
        control_cube, lever_cube = reader.cube(used_controls), reader.cube(levers)
        findings += plausibility.control_findings(used_controls, control_cube, kpi, kpi_values, "control")
        findings += plausibility.control_findings(levers, lever_cube, kpi, kpi_values, "treatment")
        event_cube, notes = _event_counts(reader, arguments.event_days(events))
        findings += notes
        between = reader.cube([m.column for m in mediators.values()], nonnegative=True)
        for name, column in ((n, m.column) for n, m in mediators.items()):
            if np.ptp(between[:, :, list(mediators).index(name)]) == 0:
                raise MMMError(f"column {column!r} of mediator {name!r} never changes: nothing can run through it")
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
            control_names=(*used_controls, *events),
            control_roles=tuple(used_roles),
            controls=np.concatenate([control_cube, event_cube], axis=2),
            treatment_names=tuple(levers),
            treatment_baselines=tuple(t.baseline for t in treatments),
            treatments=lever_cube,
            population=_population(reader, population),
            findings=tuple(findings),
            media_se=errors if organic_se else None,
            levels=tuple(c for c in organic if c in set(levels)),
            mediator_names=tuple(mediators),
            mediator_paths=np.array([[c in m.channels for c in driver] for m in mediators.values()])
            if mediators
            else None,
            mediators=between if mediators else None,
        )

    def never_dark(self) -> tuple[str, ...]:
        """Series that nearly always ran: fewer than a tenth of their periods lie below a fifth of their mean."""
        low = np.quantile(self.media, DARK_SHARE, axis=(0, 1))
        usual = self.media.mean(axis=(0, 1))
        return tuple(
            name
            for name, lowest, average in zip(self.media_names, low, usual, strict=True)
            if lowest > DARK_LEVEL * average
        )

    def between(self, start: Date, end: Date) -> MMMData:
        """The same panel cut to the periods whose date lies in [start, end]; carry-in from before is lost."""
        keep = np.array([start <= d <= end for d in self.dates])
        if not keep.any():
            raise MMMError(f"no period between {start} and {end}: the data run {self.dates[0]} to {self.dates[-1]}")
        return self.rows(keep)

    def rows(self, keep: np.ndarray) -> MMMData:
        """The periods where `keep` (T,) is true."""
        from dataclasses import replace

        series = ("media", "spend", "frequency", "controls", "treatments", "media_se", "mediators")
        present = {name: getattr(self, name) for name in series if getattr(self, name) is not None}
        return replace(
            self,
            dates=tuple(d for d, k in zip(self.dates, keep, strict=True) if k),
            kpi=self.kpi[:, keep],
            **{name: values[:, keep] for name, values in present.items()},
        )


def _frequency(
    reader: Reader, driver: Mapping[str, str], reach: Mapping[str, tuple[str, str]], media: np.ndarray
) -> np.ndarray:
    """Average frequency (G, T, C), 1 for channels without one; a person who was reached was reached at least once."""
    out = np.ones_like(media)
    for index, channel in enumerate(driver):
        if channel not in reach:
            continue
        values = reader.cube([reach[channel][1]], nonnegative=True)[:, :, 0]
        seen = media[:, :, index] > 0
        never = int((values[seen] <= 0).sum())
        if never:
            raise MMMError(
                f"column {reach[channel][1]!r} of channel {channel!r} is 0 in {never} rows with reach above zero:"
                " frequency is exposures per person reached, so give both or neither"
            )
        if np.allclose(values[seen], 1.0):
            raise MMMError(
                f"column {reach[channel][1]!r} of channel {channel!r} is 1 in every row: frequency tells nothing then."
                " Give the reach as exposure"
            )
        out[:, :, index] = np.where(seen, values, 1.0)
    return out


def _event_counts(reader: Reader, events: Mapping[str, Sequence[Date]]) -> tuple[np.ndarray, list[Warning]]:
    """Days of each event per period (G, T, E), the same in every region."""
    starts = np.array([d.toordinal() for d in reader.dates], dtype=float)
    ends = starts + days_per_period(reader.dates, reader.grain)
    out = np.zeros((len(reader.geos), len(reader.dates), len(events)))
    notes = []
    for k, (name, days) in enumerate(events.items()):
        for day in days:
            out[:, (starts <= day.toordinal()) & (day.toordinal() < ends), k] += 1
        if not out[:, :, k].any():
            notes.append(
                Warning(
                    "event_outside_data",
                    "low",
                    name,
                    f"No date of the event {name} falls into the data, so its effect is unknown.",
                    f"Check the dates of {name}, or leave it out until it has happened once.",
                )
            )
    return out, notes


def _population(reader: Reader, column: str | None) -> np.ndarray | None:
    if column is None:
        return None
    people = np.asarray(reader.cube([column], nonnegative=True)[:, :, 0].mean(axis=1))
    if not (people > 0).all():
        raise MMMError(f"column {column!r}: geo {reader.geos[int(np.argmin(people))]!r} has no population")
    return people
