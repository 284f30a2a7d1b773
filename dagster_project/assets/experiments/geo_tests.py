"""From declared and delivered tests to what the experiment room reads; no estimate is made here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import duckdb
import polars as pl

from dagster_project.assets.experiments.frozen_designs import FrozenDesign

if TYPE_CHECKING:
    from models.incrementality import GeoDesign, GeoLooks, LiftContract, LiftResult, Neighbour
    from models.warning import Warning


@dataclass(frozen=True)
class DeclaredTest:
    """A geo test that Plumbline reads itself: its panel, who was treated, when, who must not serve as a control.

    `frozen` is the design of before the test where there is one; `neighbours` are other tests on the same days,
    `earlier` those before it, whose effect is taken off its history. `money_per_kpi` values one unit of the KPI in
    report currency; None where nobody said what it is worth.
    """

    experiment_id: str
    channels: tuple[str, ...]
    geos: tuple[str, ...]
    design: str
    start: date
    end: date
    cooldown: int
    exclude: tuple[str, ...]
    panel: pl.DataFrame
    kpi: str = "revenue"
    money_per_kpi: float | None = 1.0
    neighbours: tuple[Neighbour, ...] = ()
    frozen: FrozenDesign | None = None
    earlier: tuple[Neighbour, ...] = ()

    def read(self, *, margin: float | None, seed: int) -> LiftResult:
        """The test read as its frozen design says, or by the method chosen on its days before the start.

        `margin` is the share of money that stays. Raises PanelError, naming region and day, where it cannot be read.
        """
        from models.incrementality import read_geo

        unit = self.money_per_kpi
        return read_geo(
            self.panel,
            self.planned or self.geos,
            start=self.start,
            end=self.end,
            exclude=self.exclude,
            cooldown=self.cooldown,
            level=self.frozen.design.plan.level if self.frozen else 0.9,
            margin=None if margin is None or unit is None else margin * unit,
            randomised=self.design == "geo_rct",
            seed=seed,
            neighbours=self.neighbours,
            earlier=self.earlier,
        )

    def contract(self, lift: LiftResult) -> LiftContract:
        """What the test hands on once it is read as `lift`."""
        from models.incrementality import ExperimentScope, lift_contract

        scope = ExperimentScope(
            test_id=self.experiment_id,
            channels=self.channels,
            geos=self.geos,
            design=self.design,
            start=self.start,
            end=self.end,
            cooldown_end=self.end + timedelta(days=self.cooldown),
            kpi=self.kpi,
        )
        return lift_contract(lift, scope, money_per_kpi=self.money_per_kpi)

    def look(self, *, seed: int) -> GeoLooks:
        """The test at its declared looks so far. Raises PanelError before the first of them."""
        from models.incrementality import look_geo

        assert self.frozen is not None
        plan = self.frozen.design.plan
        return look_geo(
            self.panel,
            self.geos,
            start=self.start,
            end=self.end,
            looks=self.frozen.looks,
            method=plan.method,
            level=plan.level,
            seed=seed,
            exclude=(*self.frozen.design.excluded, *(g for g in self.exclude if g not in self.frozen.design.excluded)),
        )

    @property
    def planned(self) -> GeoDesign | None:
        """The frozen design, with the regions that were tested in fact where these are others."""
        if self.frozen is None:
            return None
        design = self.frozen.design
        if set(self.geos) == set(design.treated):
            return design
        everyone = {*design.treated, *design.controls}
        return replace(design, treated=self.geos, controls=tuple(sorted(everyone - set(self.geos))))

    def departures(self) -> list[Warning]:
        """What the declaration itself changed against the frozen design; days, method and data are the read's."""
        from models.warning import Warning

        if self.frozen is None:
            return []
        design, found = self.frozen.design, []
        if set(self.geos) != set(design.treated):
            found.append(f"tested were {_named(self.geos)}, planned were {_named(design.treated)}")
        if set(self.channels) != set(self.frozen.channels):
            found.append(f"the channel is {_named(self.channels)}, planned was {_named(self.frozen.channels)}")
        if self.kpi != self.frozen.kpi:
            found.append(f"the KPI is {self.kpi}, planned was {self.frozen.kpi}")
        if gone := set(self.exclude) & (set(design.controls) - set(self.geos)):
            found.append(f"{_named(gone)} no longer serve as controls: another test ran there")
        return [
            Warning(
                "departs_from_plan",
                "medium",
                self.experiment_id,
                f"The test departs from the plan frozen on {self.frozen.frozen_on}: {what}.",
                "Read it as planned as well, and show both.",
            )
            for what in found
        ]


def declared_tests(
    con: duckdb.DuckDBPyConnection,
    as_of_day: date,
    designs: Mapping[str, FrozenDesign],
    *,
    company_kpi: str,
    value_per_unit: float | None,
    running: bool = False,
) -> list[DeclaredTest]:
    """Every declared geo test that has ended (cool-down included) by `as_of_day` and has a panel.

    With `running` those instead that go on and whose frozen design allows to look, up to the last day that all
    regions have.

    `company_kpi` and `value_per_unit` say what the KPI of plumbline.yaml is worth.
    """
    from models.incrementality import Neighbour

    rows = con.execute(
        "select experiment_id, channels, geos, design, start_day, end_day, coalesce(cooldown_end, end_day), kpi,"
        " declared from marts.experiment where coalesce(design, '') <> 'ab' order by experiment_id"
    ).fetchall()
    panel = con.sql(
        "select experiment_id, geo, day as date, kpi, spend from marts.experiment_panel where geo <> 'all'"
        " order by experiment_id, geo, day"
    ).pl()
    found: list[DeclaredTest] = []
    for experiment_id, channels, geos, design, start, end, cooldown_end, kpi, declared in rows:
        if not declared or not geos or experiment_id in {t.experiment_id for t in found}:
            continue
        frozen = designs.get(experiment_id)
        if running and not (frozen and frozen.looks and start <= as_of_day < cooldown_end):
            continue
        if not running and cooldown_end > as_of_day:
            continue
        # A region under another test in the same days is no clean control.
        others = [r for r in rows if r[0] != experiment_id and r[4] <= cooldown_end and r[6] >= start]
        earlier = [r for r in rows if r[0] != experiment_id and r[6] < start and r[2]]
        own = panel.filter((pl.col("experiment_id") == experiment_id) & (pl.col("date") <= cooldown_end))
        if running:
            own = own.filter(pl.col("date") <= own.group_by("geo").agg(pl.col("date").max())["date"].min())
        if own.height:
            found.append(
                DeclaredTest(
                    experiment_id,
                    tuple(channels),
                    tuple(geos),
                    design or "geo_quasi",
                    start,
                    end,
                    (cooldown_end - end).days,
                    tuple(sorted({g for r in others for g in r[2] or ()} - set(geos))),
                    own.drop("experiment_id"),
                    kpi,
                    1.0 if kpi == "revenue" else value_per_unit if kpi == company_kpi else None,
                    tuple(Neighbour(r[0], r[4], r[6], tuple(r[2] or ())) for r in others),
                    frozen,
                    tuple(Neighbour(r[0], r[4], r[6], tuple(r[2])) for r in earlier),
                )
            )
    return found


def _named(names: object) -> str:
    return ", ".join(sorted(names))  # type: ignore[call-overload]
