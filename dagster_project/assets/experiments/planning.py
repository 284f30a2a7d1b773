"""From the published snapshot to ranked designs of the next test: which regions, how large an effect, what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import duckdb
import polars as pl

from dagster_project.warehouse.connection import first
from dagster_project.workspace.settings import Settings

if TYPE_CHECKING:
    from models.incrementality import GeoDesign

HISTORY_DAYS = 365  # what marts.experiment_panel cuts before a test: design and read see the same days
KINDS = {"holdout": "holdback", "go_dark": "go_dark", "heavy_up": "heavy_up"}
PANEL = """
select outcomes.geo, outcomes.day as date, outcomes.kpi, coalesce(spent.spend, 0) as spend
from (
    select geo, day,
        cast(case when kpi = 'revenue' then coalesce(revenue_report, value) else value end as double) as kpi
    from marts.kpi_day
    where kpi = $kpi and geo <> 'all' and grain = 'day' and day between $first and $last
) as outcomes
left join (
    select geo, day, cast(sum(spend_report) as double) as spend
    from marts.channel_day where channel = $channel group by geo, day
) as spent on outcomes.geo = spent.geo and outcomes.day = spent.day
order by outcomes.geo, outcomes.day
"""


class PlanningError(ValueError):
    """A test cannot be planned from these data; the text says what is missing."""


@dataclass(frozen=True)
class Wish:
    """What the next test should be: when, how, within which limits. Regions by name, money in report currency.

    `together` are pairs that are not split, `apart` matched pairs of which exactly one region is tested.
    """

    kind: str
    start: date
    days: int
    cooldown: int = 0
    must: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    together: tuple[tuple[str, str], ...] = ()
    apart: tuple[tuple[str, str], ...] = ()
    sizes: tuple[int, ...] = (1, 2, 3, 4)
    most_share: float = 0.5
    level: float = 0.9
    power: float = 0.8
    budget: float | None = None
    target_iroas: float | None = None
    count: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise PlanningError(f"kind {self.kind!r}: one of {', '.join(KINDS)}")


@dataclass(frozen=True)
class Offer:
    """The ranked designs of one channel, and what they rest on."""

    channel: str
    kpi: str
    margin: float | None
    target_iroas: float | None
    target_from: str
    busy: Mapping[str, str]
    designs: tuple[GeoDesign, ...]


def offer(
    con: duckdb.DuckDBPyConnection, settings: Settings, channel: str, wish: Wish, busy: Mapping[str, str]
) -> Offer:
    """Designs for one channel, best first. `busy` are regions that another test holds in those days: left out.

    Raises PlanningError for a channel or history that the snapshot does not have, PanelError for limits that no set
    of regions meets.
    """
    from models.incrementality import design_geo

    panel = history(con, settings, channel, wish.start)
    unit = _money_per_kpi(settings)
    margin = float(settings.margin) * unit if settings.margin is not None else None
    target, source = _target(con, settings, channel, wish)
    held = {region: test for region, test in busy.items() if region not in wish.exclude}
    designs = design_geo(
        panel,
        duration=wish.days,
        seed=wish.seed,
        sizes=wish.sizes,
        kind=KINDS[wish.kind],  # type: ignore[arg-type]
        start=wish.start,
        cooldown=wish.cooldown,
        must=wish.must,
        never=wish.never,
        exclude=(*wish.exclude, *sorted(held)),
        together=wish.together,
        apart=wish.apart,
        most_share=wish.most_share,
        level=wish.level,
        power=wish.power,
        margin=margin,
        target_iroas=None if target is None else target / unit,
        budget=wish.budget,
        count=wish.count,
    )
    return Offer(channel, settings.kpi.name, margin, target, source, held, tuple(designs))


def offer_cells(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    channels: tuple[str, ...],
    wish: Wish,
    busy: Mapping[str, str],
) -> tuple[Offer, ...]:
    """One design a channel with regions of its own and controls that all share: a multi-cell test.

    The cells are chosen together, best weakest cell first; then each is validated with its channel's own spend and
    without the others' regions. Cells have one size, the first of `wish.sizes`; regions that must be tested belong to
    one channel's test. Raises PlanningError for such a wish, else as `offer`.
    """
    from models.incrementality import design_cells

    if wish.must or wish.apart:
        raise PlanningError("multi_cell gives each channel the regions that suit it: leave --must and --matched out")
    panel = history(con, settings, channels[0], wish.start).drop("spend")
    cells = design_cells(
        panel,
        dict.fromkeys(channels, KINDS[wish.kind]),  # type: ignore[arg-type]
        duration=wish.days,
        size=wish.sizes[0],
        seed=wish.seed,
        start=wish.start,
        cooldown=wish.cooldown,
        never=wish.never,
        exclude=(*wish.exclude, *sorted(set(busy) - set(wish.exclude))),
        together=wish.together,
        most_share=wish.most_share,
        level=wish.level,
        power=wish.power,
        count=1,
    )[0].geos
    offers = []
    for channel, regions in cells.items():
        others = {region: f"cell {name}" for name, geos in cells.items() if name != channel for region in geos}
        own = replace(wish, must=regions, sizes=(len(regions),), count=1)
        offers.append(offer(con, settings, channel, own, {**busy, **others}))
    return tuple(offers)


def history(con: duckdb.DuckDBPyConnection, settings: Settings, channel: str, start: date) -> pl.DataFrame:
    """Outcome and the channel's spend by region and day in the year before `start`: geo, date, kpi, spend."""
    kpi = settings.kpi.name
    known = [r[0] for r in con.execute("select distinct channel from marts.channel_day order by 1").fetchall()]
    names = sorted({*known, *(c.name for c in settings.channels)})
    if channel not in names:
        raise PlanningError(
            f"channel {channel!r} is not known here: one of {', '.join(names) or 'none (no spend yet)'}"
        )
    span = first(
        con,
        "select min(newest), count(*) from (select max(day) as newest from marts.kpi_day where kpi = ? and geo <> 'all'"
        " and grain = 'day' group by geo)",
        [kpi],
    )
    if span is None or not span[1]:
        raise PlanningError(
            f"a geo test needs {kpi} by region and day, and the snapshot has none: deliver it with a geo column, and"
            " run again"
        )
    last = min(span[0], start - timedelta(days=1))
    return con.sql(
        PANEL,
        params={"kpi": kpi, "channel": channel, "first": start - timedelta(days=HISTORY_DAYS), "last": last},
    ).pl()


def busy_in_marts(con: duckdb.DuckDBPyConnection, begin: date, end: date) -> dict[str, str]:
    """Regions of tests that landing/experiments declares for some day between `begin` and `end`."""
    rows = con.execute(
        "select experiment_id, geos from marts.experiment where start_day <= ? and cooldown_end >= ? order by 1",
        [end, begin],
    ).fetchall()
    return {region: test for test, regions in rows for region in regions or ()}


def _money_per_kpi(settings: Settings) -> float:
    value = settings.kpi.value_per_unit
    return 1.0 if settings.kpi.name == "revenue" or value is None else float(value)


def _target(con: duckdb.DuckDBPyConnection, settings: Settings, channel: str, wish: Wish) -> tuple[float | None, str]:
    """The return that the cost is counted with: as given, else what is measured today, else break-even."""
    if wish.target_iroas is not None:
        return wish.target_iroas, "given"
    measured = first(
        con,
        "select mean from measurement.channel_estimate where channel = ? and method = 'triangulated' and"
        " estimand = 'iroas' and period = 'window' and run_id = (select run_id from ops.current_run)",
        [channel],
    )
    if measured is not None and measured[0] > 0:
        return float(measured[0]), "measured today"
    if settings.margin:
        return 1 / float(settings.margin), "break-even at the margin"
    return None, "unknown: give --target-iroas, or set margin in plumbline.yaml"
