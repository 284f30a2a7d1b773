"""From marts to the frames that models take: one grain, one currency, one row a period (and region).

No estimate is made here; what had to be decided on the way (grain, regions, missing pieces) is said in `notes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

import duckdb
import polars as pl

from dagster_project.assets.mmm import ai_visibility
from dagster_project.assets.mmm.told_days import told_days
from dagster_project.workspace.public_holidays import events
from dagster_project.workspace.settings import Settings
from models.periods import Grain, last_day
from models.warning import Warning

GRAINS: tuple[Grain, ...] = ("day", "week", "month")
EVERYWHERE = "all"
REGIONAL_SHARE = 0.8


@dataclass(frozen=True)
class MmmInput:
    """The wide panel of the media mix model: `date`, [`geo`], `kpi`, one column a channel and a control.

    `measured` are channels without spend that are estimates themselves: a column with the name and one with `_se`.
    `events` are days that may be unlike others, by name. `warnings` are about days that no file has told.
    """

    frame: pl.DataFrame
    channels: tuple[str, ...]
    controls: dict[str, str]
    geo: str | None
    grain: Grain
    notes: tuple[str, ...]
    measured: tuple[str, ...] = ()
    events: Mapping[str, tuple[date, ...]] = field(default_factory=dict)
    warnings: tuple[Warning, ...] = ()

    def before(self, cut: date) -> MmmInput:
        """The same panel as it was known before the period that begins on `cut`."""
        known = {name: tuple(day for day in days if day < cut) for name, days in self.events.items()}
        return replace(self, frame=self.frame.filter(pl.col("date") < cut), events=known)


def mmm_input(con: duckdb.DuckDBPyConnection, settings: Settings) -> MmmInput | str:
    """The panel that the marts allow, or a sentence that says what is missing.

    Spend and KPI are in report currency. Periods are whole: the first and the last one that the data fill only in
    part are left out. Where a file is weekly or monthly everything is summed to that grain; a line that lies across the
    border of two periods counts in both by its days, as in every other total of spend. The panel ends on the last day
    that every source of media spend has told: a day without a row is unknown, not a day without spend.
    """
    kpi = con.sql(
        "select day, geo, grain, cast(revenue_report as double) as revenue, cast(value as double) as value"
        " from marts.kpi_day where kpi = $kpi order by day, geo",
        params={"kpi": settings.kpi.name},
    ).pl()
    spend = con.sql(
        "select day, channel, geo, cast(spend as double) as spend from marts.channel_spend_day"
        " where spend is not null and cost_type = 'media' order by day, channel, geo"
    ).pl()
    lines = con.sql(
        "select distinct day, channel, geo, grain from marts.channel_day"
        " where spend_report is not null and cost_type = 'media' order by all"
    ).pl()
    if kpi.is_empty():
        return f"rows of the KPI ({settings.kpi.name}) in landing/revenue, or orders or deals it can be counted from"
    if spend.is_empty():
        return "spend: an ad platform's export, or landing/channel_spend"
    money = kpi["revenue"] if settings.kpi.name == "revenue" else kpi["value"]
    kpi = kpi.with_columns(kpi=money)
    ends = [last_day(day, grain) for day, grain in kpi.select("day", "grain").iter_rows()]
    told = told_days(con, settings, _day(kpi["day"].min()), max(ends))
    kpi = kpi.filter(pl.Series(ends) <= told.until)
    if kpi.is_empty():
        return f"spend within the days that the KPI covers: {told.warnings[-1].message}"
    if kpi["kpi"].null_count():
        return f"an exchange rate for {kpi['kpi'].null_count()} KPI rows (landing/context/fx_rates*.csv)"
    notes: list[str] = []
    grain = _grain(kpi, lines, settings, notes)
    by_geo = _regional(kpi, spend, settings, notes)
    anchor = _week_anchor(kpi, lines)
    context = con.sql("select day, geo, name, value, role from marts.context_day order by day, geo, name").pl()
    frame = _panel(kpi, spend, grain, anchor, by_geo)
    if settings.mmm.start:
        frame = frame.filter(pl.col("date") >= settings.mmm.start)
    frame, controls = _with_controls(frame, context, grain, anchor, by_geo, notes)
    channels = tuple(c for c in sorted(spend["channel"].unique()) if c in frame.columns and frame[c].sum() > 0)
    frame = frame.drop([c for c in spend["channel"].unique() if c in frame.columns and c not in channels])
    if not channels:
        return "spend within the days that the KPI covers: the two do not overlap"
    seen = ai_visibility.weekly_share(con, settings.company)
    frame, used = ai_visibility.joined(frame, seen, grain, anchor, by_geo, notes)
    measured = (ai_visibility.CHANNEL,) if used else ()
    days_off = _holidays(frame, grain, settings.mmm.holidays, notes)
    place = "geo" if by_geo else None
    return MmmInput(frame, channels, controls, place, grain, tuple(notes), measured, days_off, told.warnings)


def _grain(kpi: pl.DataFrame, lines: pl.DataFrame, settings: Settings, notes: list[str]) -> Grain:
    coarsest = max((GRAINS.index(g) for g in {*kpi["grain"], *lines["grain"]}), default=0)
    wanted = settings.mmm.grain
    if wanted != "auto" and GRAINS.index(wanted) < coarsest:
        notes.append(f"mmm.grain {wanted} is finer than the coarsest file: the model runs by {GRAINS[coarsest]}")
    if wanted == "auto":
        return GRAINS[max(coarsest, 1)]
    return GRAINS[max(coarsest, GRAINS.index(wanted))]


def _regional(kpi: pl.DataFrame, spend: pl.DataFrame, settings: Settings, notes: list[str]) -> bool:
    regions = {g for g in kpi["geo"].unique() if g != EVERYWHERE}
    share = float(spend.filter(pl.col("geo").is_in(list(regions)))["spend"].sum()) / max(
        float(spend["spend"].sum()), 1e-9
    )
    wanted = settings.mmm.by_geo
    if wanted == "no" or len(regions) < 2:
        return False
    if wanted == "auto" and share < REGIONAL_SHARE:
        notes.append(
            f"only {share:.0%} of the spend names a region of the KPI: the model runs over all regions together"
        )
        return False
    if share < 1:
        notes.append(
            f"{1 - share:.1%} of the spend names no region: it is split over the regions by their share of the KPI"
        )
    return True


def _week_anchor(kpi: pl.DataFrame, lines: pl.DataFrame) -> int:
    """Weekday (0 Monday) on which delivered weeks begin; Monday where no file is weekly."""
    weekly = [f.filter(pl.col("grain") == "week")["day"] for f in (kpi, lines)]
    days = pl.concat(weekly)
    return int(days.dt.weekday().mode().sort()[0]) - 1 if len(days) else 0


def _period(column: str, grain: Grain, anchor: int) -> pl.Expr:
    if grain == "day":
        return pl.col(column)
    if grain == "month":
        return pl.col(column).dt.truncate("1mo")
    return pl.col(column).dt.offset_by(f"-{anchor}d").dt.truncate("1w").dt.offset_by(f"{anchor}d")


def _in_order(column: str) -> pl.Expr:
    """Sum of a group's rows in their order: polars' own sum splits groups between threads, and its last bit varies."""
    return pl.col(column).cum_sum().last()


def _panel(kpi: pl.DataFrame, spend: pl.DataFrame, grain: Grain, anchor: int, by_geo: bool) -> pl.DataFrame:
    keys = ["date", "geo"] if by_geo else ["date"]
    shares = kpi.group_by("geo", maintain_order=True).agg(share=_in_order("kpi") / kpi["kpi"].sum())
    outcome = kpi.filter(pl.col("geo") != EVERYWHERE) if by_geo else kpi
    outcome = _whole_periods(outcome, grain, anchor).group_by(keys, maintain_order=True).agg(_in_order("kpi"))
    if by_geo:
        named = spend.filter(pl.col("geo").is_in(shares["geo"].to_list()))
        rest = spend.join(named.select("day", "channel", "geo"), on=["day", "channel", "geo"], how="anti").drop("geo")
        split = rest.join(shares, how="cross").with_columns(spend=pl.col("spend") * pl.col("share")).drop("share")
        spend = pl.concat([named, split.select(named.columns)])
    wide = (
        spend.with_columns(date=_period("day", grain, anchor))
        .group_by(*keys, "channel", maintain_order=True)
        .agg(_in_order("spend"))
        .pivot(on="channel", index=keys, values="spend", sort_columns=True)
        .with_columns(pl.col(pl.Float64).fill_null(0.0))
    )
    first, last = max(outcome["date"].min(), wide["date"].min()), outcome["date"].max()  # type: ignore[type-var]
    joined = outcome.filter(pl.col("date").is_between(first, last)).join(wide, on=keys, how="left")
    return joined.with_columns(pl.col(wide.columns).exclude(keys).fill_null(0.0)).sort(list(reversed(keys)))


def _whole_periods(rows: pl.DataFrame, grain: Grain, anchor: int) -> pl.DataFrame:
    """Rows with their period, without a first and last period that daily rows fill only in part."""
    dated = rows.with_columns(date=_period("day", grain, anchor))
    daily = rows.filter(pl.col("grain") == "day")
    if grain == "day" or daily.is_empty():
        return dated
    begin, end = _day(daily["day"].min()), _day(daily["day"].max())
    first, last = _day(dated["date"].min()), _day(dated["date"].max())
    if first < begin:
        dated = dated.filter(pl.col("date") > first)
    if last_day(last, grain) > end:
        dated = dated.filter(pl.col("date") < last)
    return dated


def _day(value: object) -> date:
    if not isinstance(value, date):
        raise TypeError(f"{value!r} is not a day")
    return value


def _with_controls(
    frame: pl.DataFrame, context: pl.DataFrame, grain: Grain, anchor: int, by_geo: bool, notes: list[str]
) -> tuple[pl.DataFrame, dict[str, str]]:
    """The panel with one column a declared control; one that does not cover every period is left out, and said."""
    controls: dict[str, str] = {}
    for (name, role), rows in context.group_by(["name", "role"], maintain_order=True):
        if role not in ("confounder", "precision"):
            notes.append(f"context {name}: {role} is not a control of the paths it carries, left out of the model")
            continue
        column = f"control_{name}"
        dated = rows.with_columns(date=_period("day", grain, anchor))
        regional = by_geo and set(rows["geo"]) != {EVERYWHERE}
        keys = ["date", "geo"] if regional else ["date"]
        values = dated.group_by(keys, maintain_order=True).agg((_in_order("value") / pl.len()).alias(column))
        joined = frame.join(values, on=keys, how="left")
        holes = joined[column].null_count()
        if holes:
            notes.append(f"context {name} is missing in {holes} of {frame.height} periods, left out of the model")
            continue
        frame, controls[column] = joined.sort(["geo", "date"] if by_geo else ["date"]), str(role)
    return frame, controls


def _holidays(frame: pl.DataFrame, grain: Grain, code: str | None, notes: list[str]) -> dict[str, tuple[date, ...]]:
    """Public holidays within the panel; none without a country, none by month, where they are part of the season."""
    if code is None:
        return {}
    if grain == "month":
        notes.append(f"mmm.holidays {code}: by month public holidays are part of the season, left out of the model")
        return {}
    first, last = _day(frame["date"].min()), _day(frame["date"].max())
    found = events(code, first, last_day(last, grain))
    notes.append(f"the model knows the public holidays of {code}: {', '.join(found) or 'none in these periods'}")
    return found
