"""From the published snapshot to ranked designs of the next test: its regions, the effect it can find, its cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import duckdb

from dagster_project.warehouse.connection import first
from dagster_project.workspace.settings import Settings
from models.error import PlumblineError

if TYPE_CHECKING:
    import polars as pl

    from models.incrementality import GeoDesign
    from models.incrementality.geo.geo_design import Kind

HISTORY_DAYS = 365  # what marts.experiment_panel cuts before a test: design and read see the same days
KINDS: dict[str, Kind] = {"holdout": "holdback", "go_dark": "go_dark", "heavy_up": "heavy_up"}
PANEL = """
select outcomes.geo, outcomes.day as date, outcomes.kpi, coalesce(spent.spend, 0) as spend
from (
    select geo, day,
        cast(case when kpi = 'revenue' then coalesce(revenue_report, value) else value end as double) as kpi
    from marts.kpi_day
    where kpi = $kpi and geo <> 'all' and grain = 'day' and day between $first and $last
) as outcomes
left join (
    select geo, day, cast(spend as double) as spend
    from marts.channel_spend_day where channel = $channel and cost_type = 'media'
) as spent on outcomes.geo = spent.geo and outcomes.day = spent.day
order by outcomes.geo, outcomes.day
"""


class PlanningError(PlumblineError, ValueError):
    """A test cannot be designed from these data; the message says what is missing."""


@dataclass(frozen=True)
class DesignRequest:
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
class DesignOptions:
    """The ranked designs of one channel, and what they rest on."""

    channel: str
    kpi: str
    margin: float | None
    target_iroas: float | None
    target_from: str
    busy: Mapping[str, str]
    designs: tuple[GeoDesign, ...]


def design_options(
    con: duckdb.DuckDBPyConnection, settings: Settings, channel: str, request: DesignRequest, busy: Mapping[str, str]
) -> DesignOptions:
    """Designs for one channel, best first. `busy` are regions that another test holds in those days: left out.

    Raises PlanningError for a channel or history that the snapshot does not have, PanelError for limits that no set
    of regions meets.
    """
    from models.incrementality import design_geo

    panel = history(con, settings, channel, request.start)
    unit = _money_per_kpi(settings)
    margin = float(settings.margin) * unit if settings.margin is not None else None
    target, source = _target(con, settings, channel, request)
    held = {region: test for region, test in busy.items() if region not in request.exclude}
    designs = design_geo(
        panel,
        duration=request.days,
        seed=request.seed,
        sizes=request.sizes,
        kind=KINDS[request.kind],
        start=request.start,
        cooldown=request.cooldown,
        must=request.must,
        never=request.never,
        exclude=(*request.exclude, *sorted(held)),
        together=request.together,
        apart=request.apart,
        most_share=request.most_share,
        level=request.level,
        power=request.power,
        margin=margin,
        target_iroas=None if target is None else target / unit,
        budget=request.budget,
        count=request.count,
    )
    return DesignOptions(channel, settings.kpi.name, margin, target, source, held, tuple(designs))


def cell_options(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    channels: tuple[str, ...],
    request: DesignRequest,
    busy: Mapping[str, str],
) -> tuple[DesignOptions, ...]:
    """One design per channel, with regions of its own and controls that all channels share: a multi-cell test.

    The cells are chosen together, best weakest cell first; then each is validated with its channel's own spend and
    without the others' regions. Cells have one size, the first of `request.sizes`; regions that must be tested belong
    to one channel's test. Raises PlanningError for such a request, else as `design_options`.
    """
    from models.incrementality import design_cells

    if request.must or request.apart:
        raise PlanningError("multi_cell gives each channel the regions that suit it: leave --must and --matched out")
    panel = history(con, settings, channels[0], request.start).drop("spend")
    cells = design_cells(
        panel,
        dict.fromkeys(channels, KINDS[request.kind]),
        duration=request.days,
        size=request.sizes[0],
        seed=request.seed,
        start=request.start,
        cooldown=request.cooldown,
        never=request.never,
        exclude=(*request.exclude, *sorted(set(busy) - set(request.exclude))),
        together=request.together,
        most_share=request.most_share,
        level=request.level,
        power=request.power,
        count=1,
    )[0].geos
    options = []
    for channel, regions in cells.items():
        others = {region: f"cell {name}" for name, geos in cells.items() if name != channel for region in geos}
        own = replace(request, must=regions, sizes=(len(regions),), count=1)
        options.append(design_options(con, settings, channel, own, {**busy, **others}))
    return tuple(options)


def history(con: duckdb.DuckDBPyConnection, settings: Settings, channel: str, start: date) -> pl.DataFrame:
    """Outcome and media spend of the channel by region and day in the year before `start`: geo, date, kpi, spend.

    The one history that designs and proposals of tests rest on. Fees are left out: a test does not change them. Raises
    PlanningError for a channel that nobody knows, or without an outcome by region and day.
    """
    kpi = settings.kpi.name
    delivered = [r[0] for r in con.execute("select distinct channel from marts.channel_day").fetchall()]
    names = sorted({*delivered, *(c.name for c in settings.channels)})
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


def _target(
    con: duckdb.DuckDBPyConnection, settings: Settings, channel: str, request: DesignRequest
) -> tuple[float | None, str]:
    """The return that the cost is counted with: as given, else what is measured today, else break-even."""
    if request.target_iroas is not None:
        return request.target_iroas, "given"
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
