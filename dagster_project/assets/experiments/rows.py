"""What tests showed as rows of `measurement`: one of each test, with its checks, placebos, path and power curve."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import duckdb
import polars as pl

from dagster_project.assets.experiments.geo_tests import DeclaredTest
from models.warning import Warning

if TYPE_CHECKING:
    from models.incrementality import GeoLooks, LiftResult
    from models.incrementality.agreement import Pair
    from models.incrementality.result import Grade

GRADE_OF_DESIGN: dict[str, Grade] = {
    "geo_rct": "A",
    "ab": "A",
    "switchback": "B",
    "platform_lift": "B",
    "geo_quasi": "B",
    "time_series": "C",
}
RANK = {"declared": 0, "incremental_revenue": 1, "iroas": 2, "incremental_kpi": 3, "mroas": 4}


def rows_of(test: DeclaredTest, lift: LiftResult) -> dict[str, object]:
    """A geo test's row of `measurement.experiment`."""
    return lift_row(lift, money_per_kpi=test.money_per_kpi) | {
        "experiment_id": test.experiment_id,
        "channels": "|".join(test.channels),
        "design": test.design,
        "geos": "|".join(test.geos),
        "start_day": test.start,
        "end_day": test.end,
        "cooldown_end": test.end + timedelta(days=test.cooldown),
        "kpi": test.kpi,
        "estimand": "incremental_revenue" if test.kpi == "revenue" else "incremental_kpi",
        "design_sha256": test.frozen.sha256 if test.frozen else None,
    }


def lift_row(lift: LiftResult, *, money_per_kpi: float | None) -> dict[str, object]:
    """The figures of one read. iROAS is money per money; without a value of the KPI it stays empty."""
    from models.incrementality.inversion import normal_quantile

    unit = money_per_kpi
    known = lift.iroas is not None and unit is not None
    ratio = [b * unit if known else None for b in (lift.iroas, lift.iroas_low, lift.iroas_high)]  # type: ignore[operator]
    bounded = known and _finite(ratio[1]) and _finite(ratio[2])
    half = abs(ratio[2] - ratio[1]) / 2 if bounded else None  # type: ignore[operator]
    statistic = lift.other_form.get("statistic")
    return {
        "effect": lift.effect,
        "low": lift.low,
        "high": lift.high,
        "level": lift.level,
        "relative": lift.relative,
        "relative_low": lift.relative_low,
        "relative_high": lift.relative_high,
        "p_value": lift.p_value,
        "actual": lift.actual,
        "counterfactual": lift.counterfactual,
        "effect_se": lift.se,
        "inflation": lift.inflation,
        "spend": lift.spend,
        "iroas": ratio[0],
        "iroas_low": ratio[1],
        "iroas_high": ratio[2],
        "se": None if half is None else half / normal_quantile(lift.level),
        "profit": lift.profit,
        "profit_low": lift.profit_low,
        "profit_high": lift.profit_high,
        "profit_chance": lift.profit_chance,
        "verdict": lift.verdict,
        "grade": lift.grade,
        "method": lift.method,
        "inference": lift.inference,
        "statistic": statistic if isinstance(statistic, float) else None,
        "reasons": " ".join(lift.reasons),
        "data_sha256": lift.data_sha256,
    }


def delivered_tests(
    con: duckdb.DuckDBPyConnection,
    *,
    but: Sequence[str],
    company_kpi: str,
    value_per_unit: float | None,
) -> tuple[pl.DataFrame, list[Warning]]:
    """Tests that came with their result, as rows of `measurement.experiment`: their owner's numbers, unchanged.

    One row a test: of several estimands the incremental revenue, then the iROAS; `but` are the tests that were read
    here, whose delivered result is not counted a second time. Incremental money becomes an iROAS where the spend of
    both arms is known. A marginal return is another quantity than the average one, so it is kept but not compared.
    """
    rows = con.sql("select * from marts.experiment where not declared order by experiment_id, estimand").pl().to_dicts()
    rows.sort(key=lambda r: (r["experiment_id"], RANK[r["estimand"]]))
    found: list[dict[str, object]] = []
    notes = []
    for r in rows:
        name = str(r["experiment_id"])
        if name in but:
            notes.append(_twice(name, "was read here from its data", r["estimand"]))
        elif found and found[-1]["experiment_id"] == name:
            notes.append(_twice(name, f"also came as {found[-1]['estimand']}", r["estimand"]))
        else:
            worth = 1.0 if r["kpi"] == "revenue" else value_per_unit if r["kpi"] == company_kpi else None
            found.append(_delivered(r, worth))
    return (pl.DataFrame(found, infer_schema_length=None) if found else pl.DataFrame()), notes


def _delivered(r: dict[str, object], worth: float | None) -> dict[str, object]:
    from models.incrementality.inversion import normal_quantile
    from models.incrementality.result import INFLATION

    level = _number(r["level"]) or 0.9
    quantile = normal_quantile(level)
    estimand, value, se = str(r["estimand"]), float(r["value"]), _number(r["se"])  # type: ignore[arg-type]
    if se is None and r["low"] is not None and r["high"] is not None:
        se = (float(r["high"]) - float(r["low"])) / 2 / quantile  # type: ignore[arg-type]
    treated, control = _number(r["spend_treated"]), _number(r["spend_control"])
    spent = None if treated is None else treated - (control or 0.0)
    per_money = estimand in ("iroas", "mroas")
    if estimand == "iroas":
        scale: float | None = 1.0
    elif estimand == "mroas" or not spent:
        scale = None
    else:
        scale = worth / spent if estimand == "incremental_kpi" and worth is not None else 1 / spent
        scale = None if estimand == "incremental_kpi" and worth is None else scale
    half = None if se is None else se * quantile
    effect = value if not per_money else value * spent if spent and estimand == "iroas" else None
    iroas = None if scale is None else value * scale
    reach = None if scale is None or half is None else abs(half * scale)
    grade: Grade = GRADE_OF_DESIGN.get(str(r["design"] or ""), "C")
    return {
        "experiment_id": r["experiment_id"],
        "channels": "|".join(r["channels"] or ()),  # type: ignore[arg-type]
        "geos": "|".join(r["geos"] or ()),  # type: ignore[arg-type]
        "design": r["design"],
        "start_day": r["start_day"],
        "end_day": r["end_day"],
        "cooldown_end": r["cooldown_end"],
        "kpi": r["kpi"],
        "estimand": estimand,
        "effect": effect,
        "low": None if half is None or per_money else value - half,
        "high": None if half is None or per_money else value + half,
        "level": level,
        "effect_se": None if per_money else se,
        "inflation": INFLATION[grade],
        "spend": spent,
        "iroas": iroas,
        "iroas_low": None if iroas is None or reach is None else iroas - reach,
        "iroas_high": None if iroas is None or reach is None else iroas + reach,
        "se": None if reach is None else reach / quantile,
        "verdict": "valid",
        "grade": grade,
        "method": "delivered",
        "reasons": "The result was delivered by its owner; Plumbline did not read the test itself.",
    }


def check_rows(experiment_id: str, lift: LiftResult) -> pl.DataFrame:
    """Rows of `measurement.experiment_check`."""
    renamed = lift.check_frame().rename({"limit": "threshold"})
    return renamed.with_columns(experiment_id=pl.lit(experiment_id)).unique("name", keep="first", maintain_order=True)


def placebo_rows(experiment_id: str, lift: LiftResult) -> pl.DataFrame:
    """Rows of `measurement.experiment_placebo`."""
    if lift.placebos.is_empty():
        return pl.DataFrame()
    return lift.placebos.select("name", "tau", "t").with_columns(experiment_id=pl.lit(experiment_id))


def path_rows(experiment_id: str, lift: LiftResult) -> pl.DataFrame:
    """Rows of `measurement.experiment_path`."""
    if lift.curves.is_empty():
        return pl.DataFrame()
    return lift.curves.select("day", "actual", "counterfactual", "effect", "low", "high").with_columns(
        experiment_id=pl.lit(experiment_id)
    )


def power_rows(test: DeclaredTest) -> pl.DataFrame:
    """Rows of `measurement.experiment_power`; none without a frozen design."""
    if test.frozen is None:
        return pl.DataFrame()
    return test.frozen.design.curve_frame().with_columns(experiment_id=pl.lit(test.experiment_id))


def look_rows(experiment_id: str, looked: GeoLooks) -> pl.DataFrame:
    """Rows of `measurement.experiment_look`: each declared look so far, with what all of them allow to say."""
    return looked.looks.with_columns(
        pl.col("chance_at_end").cast(pl.Float64),
        experiment_id=pl.lit(experiment_id),
        decision=pl.lit(looked.decision),
        reason=pl.lit(looked.reason),
    )


def pair_rows(found: Sequence[Pair]) -> pl.DataFrame:
    """Rows of `measurement.experiment_pair`."""
    return frame_of(
        {
            "channel": pair.first.channel,
            "first": pair.first.experiment_id,
            "second": pair.second.experiment_id,
            "first_iroas": pair.first.iroas,
            "second_iroas": pair.second.iroas,
            "z": pair.z,
            "agree": pair.agree,
            "message": pair.message,
        }
        for pair in found
    )


def side_by_side(table: pl.DataFrame) -> list[Pair]:
    """Every two usable tests of one single channel, compared."""
    from models.incrementality.agreement import ChannelReading, pairs

    if table.is_empty():
        return []
    readings = [
        ChannelReading(r["experiment_id"], r["channels"], r["iroas"], r["se"], r["inflation"] or 1.0)
        for r in table.sort("start_day", "experiment_id").to_dicts()
        if "|" not in r["channels"] and r["verdict"] != "invalid" and _finite(r["iroas"]) and (r["se"] or 0) > 0
    ]
    return pairs(readings)


def one_per_code(experiment_id: str, warnings: Iterable[Warning]) -> list[Warning]:
    """A test's warnings with the test as their subject, those of one kind as one."""
    grouped: dict[str, list[Warning]] = {}
    for w in warnings:
        grouped.setdefault(w.code, []).append(w)
    order = ("info", "low", "medium", "high", "block")
    return [
        Warning(
            code,
            max((w.severity for w in found), key=order.index),
            experiment_id,
            " ".join(dict.fromkeys(w.message for w in found)),
            " ".join(dict.fromkeys(w.action for w in found)),
        )
        for code, found in grouped.items()
    ]


def frame_of(rows: Iterable[dict[str, object]]) -> pl.DataFrame:
    """Rows as one frame; empty where there is none."""
    listed = list(rows)
    return pl.DataFrame(listed, infer_schema_length=None) if listed else pl.DataFrame()


def stacked(frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Frames below each other by column name; empty where all are."""
    filled = [f for f in frames if f.height]
    return pl.concat(filled, how="diagonal_relaxed") if filled else pl.DataFrame()


def _twice(name: str, why: str, estimand: object) -> Warning:
    return Warning(
        "result_not_counted_twice",
        "info",
        name,
        f"The test {name} {why}, so its delivered {estimand} is not counted a second time.",
        "Nothing to do; take one of them out of landing/experiments if they are two different tests.",
    )


def _number(value: object) -> float | None:
    return None if value is None else float(value)  # type: ignore[arg-type]


def _finite(value: float | None) -> bool:
    return value is not None and value == value and abs(value) != float("inf")
