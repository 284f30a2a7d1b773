"""From declared and delivered tests to what the experiment room reads, and back to rows; no estimate is made here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import duckdb
import polars as pl

if TYPE_CHECKING:
    from models.incrementality import LiftResult

Z90 = 1.6448536269514722
GRADE_OF_DESIGN = {
    "geo_rct": "A",
    "ab": "A",
    "switchback": "B",
    "platform_lift": "B",
    "geo_quasi": "B",
    "time_series": "C",
}


@dataclass(frozen=True)
class DeclaredTest:
    """A geo test that Plumbline reads itself: its panel, who was treated, when, and who must not serve as a control."""

    experiment_id: str
    channels: tuple[str, ...]
    geos: tuple[str, ...]
    design: str
    start: date
    end: date
    cooldown: int
    exclude: tuple[str, ...]
    panel: pl.DataFrame


def declared_tests(con: duckdb.DuckDBPyConnection, as_of_day: date) -> list[DeclaredTest]:
    """Every declared test that has ended (cool-down included) by `as_of_day` and has a panel."""
    rows = con.execute(
        "select experiment_id, channels, geos, design, start_day, end_day, coalesce(cooldown_end, end_day)"
        " from marts.experiment where declared order by experiment_id"
    ).fetchall()
    panel = con.sql(
        "select experiment_id, geo, day as date, kpi, spend from marts.experiment_panel where geo <> 'all'"
        " order by experiment_id, geo, day"
    ).pl()
    found = []
    for experiment_id, channels, geos, design, start, end, cooldown_end in rows:
        if cooldown_end > as_of_day or not geos:
            continue
        # A region under another test in the same days is no clean control.
        others = [r for r in rows if r[0] != experiment_id and r[4] <= cooldown_end and r[6] >= start]
        exclude = sorted({g for r in others for g in r[2] or ()} - set(geos))
        own = panel.filter((pl.col("experiment_id") == experiment_id) & (pl.col("date") <= cooldown_end))
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
                    tuple(exclude),
                    own.drop("experiment_id"),
                )
            )
    return found


def rows_of(test: DeclaredTest, lift: LiftResult) -> dict[str, object]:
    """The test's row of `measurement.experiment`."""
    bounded = lift.iroas is not None and _finite(lift.iroas_low) and _finite(lift.iroas_high)
    return {
        "experiment_id": test.experiment_id,
        "channels": "|".join(test.channels),
        "design": test.design,
        "start_day": test.start,
        "end_day": test.end,
        "estimand": "incremental_revenue",
        "effect": lift.effect,
        "low": lift.low,
        "high": lift.high,
        "level": lift.level,
        "relative": lift.relative,
        "p_value": lift.p_value,
        "spend": lift.spend,
        "iroas": lift.iroas,
        "iroas_low": lift.iroas_low,
        "iroas_high": lift.iroas_high,
        "se": (lift.iroas_high - lift.iroas_low) / 2 / Z90 if bounded else None,  # type: ignore[operator]
        "verdict": lift.verdict,
        "grade": lift.grade,
        "method": lift.method,
        "reasons": " ".join(lift.reasons),
    }


def delivered_tests(con: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Tests that came with their result, as rows of `measurement.experiment`: their owner's numbers, unchanged.

    An incremental revenue becomes an iROAS where the spend of both arms is known; the standard error is half the
    interval over z at the delivered level where none was delivered.
    """
    from scipy.stats import norm

    rows = con.sql("select * from marts.experiment where not declared order by experiment_id, estimand").pl().to_dicts()
    found = []
    for r in rows:
        level = r["level"] or 0.9
        se = r["se"]
        if se is None and r["low"] is not None and r["high"] is not None:
            se = (r["high"] - r["low"]) / 2 / float(norm.ppf(0.5 + level / 2))
        spent = None
        if r["spend_treated"] is not None:
            spent = float(r["spend_treated"]) - float(r["spend_control"] or 0)
        value, per_money = float(r["value"]), r["estimand"] in ("iroas", "mroas")
        scale = 1.0 if per_money else (1 / spent if spent else None)
        half = None if se is None else se * float(norm.ppf(0.5 + level / 2))
        effect = value * spent if per_money and spent else (None if per_money else value)
        iroas = None if scale is None else value * scale
        found.append(
            {
                "experiment_id": r["experiment_id"],
                "channels": "|".join(r["channels"] or ()),
                "design": r["design"],
                "start_day": r["start_day"],
                "end_day": r["end_day"],
                "estimand": r["estimand"],
                "effect": effect,
                "low": None if half is None or per_money else value - half,
                "high": None if half is None or per_money else value + half,
                "level": level,
                "spend": spent,
                "iroas": iroas,
                "iroas_low": None
                if half is None or scale is None
                else min((value - half) * scale, (value + half) * scale),
                "iroas_high": None
                if half is None or scale is None
                else max((value - half) * scale, (value + half) * scale),
                "se": None if se is None or scale is None else abs(se * scale),
                "verdict": "valid",
                "grade": GRADE_OF_DESIGN.get(r["design"] or "", "C"),
                "method": "delivered",
                "reasons": "The result was delivered by its owner; Plumbline did not read the test itself.",
            }
        )
    return pl.DataFrame(found, infer_schema_length=None) if found else pl.DataFrame()


def path_of(test: DeclaredTest, lift: LiftResult) -> pl.DataFrame:
    """The effect path of one test for `measurement.experiment_path`."""
    return lift.curves.select("day", "actual", "counterfactual", "effect", "low", "high").with_columns(
        experiment_id=pl.lit(test.experiment_id)
    )


def frame_of(rows: Iterable[dict[str, object]]) -> pl.DataFrame:
    """Rows of tests as one frame; empty where there is none."""
    listed = list(rows)
    return pl.DataFrame(listed, infer_schema_length=None) if listed else pl.DataFrame()


def _finite(value: float | None) -> bool:
    return value is not None and value == value and abs(value) != float("inf")
