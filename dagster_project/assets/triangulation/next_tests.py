"""Which channel to test next: one standard design on the company's regions, valued channel by channel."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import duckdb
import polars as pl

from dagster_project.assets.experiments.planning import PlanningError, history
from dagster_project.assets.triangulation.evidence import half_lives
from dagster_project.workspace.settings import Settings

if TYPE_CHECKING:
    from models.incrementality import GeoDesign
    from models.mmm import MMMFit
    from models.triangulation import Triangulation

WEEKS, HORIZON_WEEKS = 4, 52
WORDS = {"go_dark": "Switch {channel} off", "heavy_up": "Double {channel}"}
SHOWN = {
    "channel": pl.String,
    "evsi": pl.Float64,
    "net_value": pl.Float64,
    "weeks": pl.Float64,
    "cost": pl.Float64,
    "message": pl.String,
    "kind": pl.String,
    "cash": pl.Float64,
    "result": pl.Float64,
    "p_flip": pl.Float64,
}


def proposals(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    combined: Triangulation,
    fit: MMMFit | None,
    *,
    as_of_day: date,
    seed: int,
) -> tuple[pl.DataFrame, str | None]:
    """Rows of `measurement.next_experiment`, best first, one a channel; or none and what is needed for them.

    The better of going dark and doubling for four weeks in the regions of the best design, over a year's decisions
    on the whole spend of the channel: value of the reading less the margin that the test costs. What a test earns
    while it runs is a reason to move the budget, not to test: it is told and not counted.
    """
    if settings.margin is None:
        return pl.DataFrame(), "margin in plumbline.yaml: without it nothing says what a wrong budget costs"
    from models.incrementality import PanelError

    channels = list(combined.readings.channels)
    try:
        design = standard_design(con, settings, channels[0], as_of_day, seed)
    except PlanningError:
        return pl.DataFrame(), "landing/revenue by region and day: a test compares regions"
    except PanelError as refused:
        return pl.DataFrame(), f"more or other history by region in landing/revenue: {refused}"
    possible = _candidates(con, settings, design, channels, fit, as_of_day)
    if possible.is_empty():
        return pl.DataFrame(), "landing/channel_spend by region and day: a test changes spend where it runs"
    from models.triangulation import next_experiments

    valued = []
    for (kind,), group in possible.group_by("kind", maintain_order=True):
        worth = next_experiments(
            combined, group.drop("kind"), margin=float(settings.margin), horizon_weeks=HORIZON_WEEKS
        )
        valued.append(worth.with_columns(kind=pl.lit(kind)))
    cash = {(r["channel"], r["kind"]): r["spend_changed"] for r in possible.to_dicts()}
    told = [
        _row(r, cash[r["channel"], r["kind"]], design, settings.report_currency) for r in pl.concat(valued).to_dicts()
    ]
    ranked = pl.DataFrame(told, schema=SHOWN).sort("net_value", "channel", "message", descending=[True, False, False])
    return ranked.unique("channel", keep="first", maintain_order=True), None


def standard_design(
    con: duckdb.DuckDBPyConnection, settings: Settings, channel: str, as_of_day: date, seed: int
) -> GeoDesign:
    """The best four-week design on the outcome by region; which channel it is for does not change what it can find.

    Raises PlanningError without an outcome by region, PanelError where the history is too short.
    """
    from models.incrementality import design_geo

    panel = history(con, settings, channel, as_of_day + timedelta(days=1))
    regions = panel["geo"].n_unique()
    sizes = tuple(range(1, max(2, min(5, regions // 3 + 1))))
    return design_geo(panel.drop("spend"), duration=7 * WEEKS, seed=seed, sizes=sizes, candidates=5_000, count=1)[0]


def _candidates(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    design: GeoDesign,
    channels: list[str],
    fit: MMMFit | None,
    as_of_day: date,
) -> pl.DataFrame:
    """One row a channel and kind of test, as `next_experiments` wants them."""
    from models.incrementality.inversion import normal_quantile
    from models.triangulation.estimand import carryover_share

    unit = float(settings.kpi.value_per_unit) if settings.kpi.value_per_unit is not None else 1.0
    error = design.mde_units * unit / (normal_quantile(design.plan.level) + normal_quantile(2 * design.power - 1))
    if not 0 < error < float("inf"):
        return pl.DataFrame()
    carry, marginal = half_lives(fit), _marginal(fit)
    rows = []
    for channel, tested, weekly in _spend(con, design.treated, design.data_until):
        if channel not in channels or tested <= 0:
            continue
        seen = max(carryover_share(carry.get(channel, 0.0), 7 * WEEKS), 0.05)
        common = {
            "channel": channel,
            "design": "rct",
            "se": error / tested,
            "test_weeks": float(WEEKS),
            "stake_per_week": weekly,
            "fixed_cost": 0.0,
        }
        rows.append(common | {"kind": "go_dark", "spend_changed": -tested, "share_captured": seen})
        ratio = marginal.get(channel, 0.0)
        if ratio > 0:  # more spend shows the return of the next unit, of which the average is inferred
            heavy = {
                "kind": "heavy_up",
                "spend_changed": tested,
                "share_captured": seen * ratio,
                "marginal_ratio": ratio,
            }
            rows.append(common | heavy)
    return pl.DataFrame(rows, infer_schema_length=None)


def _spend(con: duckdb.DuckDBPyConnection, regions: tuple[str, ...], last: date) -> list[tuple[str, float, float]]:
    """Channel, spend in the tested regions over the last four weeks, spend per week everywhere."""
    first = last - timedelta(days=7 * WEEKS - 1)
    return con.execute(
        "select channel, cast(coalesce(sum(spend) filter (list_contains(?, geo)), 0) as double),"
        " cast(sum(spend) as double) / ? from marts.channel_spend_day where day between ? and ? and"
        " cost_type = 'media' group by channel having sum(spend) > 0 order by channel",
        [list(regions), WEEKS, first, last],
    ).fetchall()


def _marginal(fit: MMMFit | None) -> dict[str, float]:
    """Return of the next unit of spend over the average one, by channel; nothing without a model."""
    if fit is None:
        return {}
    average, marginal = fit.roas_draws().mean(axis=0), fit.mroas_draws().mean(axis=0)
    return {
        channel: float(marginal[i] / average[i])
        for i, channel in enumerate(fit.data.channels)
        if average[i] > 0 and marginal[i] > 0
    }


def _row(valued: dict[str, object], cash: float, design: GeoDesign, currency: str) -> dict[str, object]:
    """`cash` is the spend that the test adds (below 0: saves); `result` its expected contribution while it runs."""
    channel, kind = str(valued["channel"]), str(valued["kind"])
    worth = float(valued["evsi_per_week"]) * (HORIZON_WEEKS - WEEKS)  # type: ignore[arg-type]
    cost = float(valued["opportunity_cost"])  # type: ignore[arg-type]
    does = WORDS[kind].format(channel=channel)
    pays = f"costs {cost:,.0f}" if cost >= 0 else f"earns {-cost:,.0f} while it runs"
    return {
        "channel": channel,
        "evsi": worth,
        "net_value": worth - max(cost, 0.0),
        "weeks": float(WEEKS),
        "cost": max(cost, 0.0),
        "message": f"{does} for {WEEKS} weeks in {', '.join(design.treated)}: better budgets over a year are worth"
        f" {worth:,.0f} {currency}, the test {pays}. Chance that it changes the decision:"
        f" {float(valued['p_flip']):.0%}. Plan it with --channel {channel} --kind {kind}.",  # type: ignore[arg-type]
        "kind": kind,
        "cash": cash,
        "result": -cost,
        "p_flip": float(valued["p_flip"]),  # type: ignore[arg-type]
    }
