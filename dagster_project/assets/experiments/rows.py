"""What tests showed as rows of `measurement`: one row per test, with its checks, placebos, path and power curve."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl

from dagster_project.assets.experiments.geo_tests import DeclaredTest
from models.warning import Warning

if TYPE_CHECKING:
    from models.incrementality import GeoLooks, LiftContract, LiftResult
    from models.incrementality.agreement import Pair

RANK = {"declared": 0, "incremental_revenue": 1, "iroas": 2, "incremental_kpi": 3, "mroas": 4}


def contract_row(contract: LiftContract) -> dict[str, object]:
    """What a test hands on, as columns of `measurement.experiment`; `assets/experiments/contracts.py` reads it back."""
    return {
        "experiment_id": contract.test_id,
        "channels": list(contract.channels),
        "geos": list(contract.geos),
        "design": contract.design,
        "start_day": contract.start,
        "end_day": contract.end,
        "cooldown_end": contract.cooldown_end,
        "kpi": contract.kpi,
        "estimand": contract.estimand,
        "effect": contract.effect,
        "low": contract.low,
        "high": contract.high,
        "effect_se": contract.effect_se,
        "level": contract.level,
        "spend": contract.spend,
        "iroas": contract.iroas,
        "iroas_low": contract.iroas_low,
        "iroas_high": contract.iroas_high,
        "se": contract.iroas_se,
        "inflation": contract.inflation,
        "verdict": contract.verdict,
        "grade": contract.grade,
        "data_sha256": contract.data_sha256,
    }


def read_row(contract: LiftContract, lift: LiftResult, *, design_sha256: str | None = None) -> dict[str, object]:
    """The row of `measurement.experiment` of a test that was read here: its contract and how it was read."""
    statistic = lift.other_form.get("statistic")
    return contract_row(contract) | {
        "relative": lift.relative,
        "relative_low": lift.relative_low,
        "relative_high": lift.relative_high,
        "p_value": lift.p_value,
        "actual": lift.actual,
        "counterfactual": lift.counterfactual,
        "profit": lift.profit,
        "profit_low": lift.profit_low,
        "profit_high": lift.profit_high,
        "profit_chance": lift.profit_chance,
        "method": lift.method,
        "inference": lift.inference,
        "statistic": statistic if isinstance(statistic, float) else None,
        "reasons": " ".join(lift.reasons),
        "design_sha256": design_sha256,
    }


def delivered_row(contract: LiftContract) -> dict[str, object]:
    """The row of `measurement.experiment` of a test that came with its result."""
    return contract_row(contract) | {
        "method": "delivered",
        "reasons": "The result was delivered by its owner; Plumbline did not read the test itself.",
    }


def delivered_tests(
    con: duckdb.DuckDBPyConnection,
    *,
    read_here: Sequence[str],
    company_kpi: str,
    value_per_unit: float | None,
) -> tuple[list[LiftContract], list[Warning]]:
    """Tests that came with their result: their owner's numbers, unchanged.

    One contract per test: of several estimands the incremental revenue, then the iROAS. The delivered result of a test
    in `read_here` is not counted a second time.
    """
    rows = con.sql("select * from marts.experiment where not declared order by experiment_id, estimand").pl().to_dicts()
    rows.sort(key=lambda r: (r["experiment_id"], RANK[r["estimand"]]))
    contracts: list[LiftContract] = []
    notes = []
    for r in rows:
        name = str(r["experiment_id"])
        if name in read_here:
            notes.append(_twice(name, "was read here from its data", r["estimand"]))
        elif contracts and contracts[-1].test_id == name:
            notes.append(_twice(name, f"also came as {contracts[-1].estimand}", r["estimand"]))
        else:
            worth = 1.0 if r["kpi"] == "revenue" else value_per_unit if r["kpi"] == company_kpi else None
            contracts.append(_delivered(r, worth))
    return contracts, notes


def _delivered(r: dict[str, Any], money_per_kpi: float | None) -> LiftContract:
    from models.incrementality import DeliveredFigures, ExperimentScope, delivered_contract

    treated, control = _number(r["spend_treated"]), _number(r["spend_control"])
    figures = DeliveredFigures(
        estimand=r["estimand"],
        value=float(r["value"]),
        se=_number(r["se"]),
        low=_number(r["low"]),
        high=_number(r["high"]),
        level=_number(r["level"]) or 0.9,
        spend=None if treated is None else treated - (control or 0.0),
    )
    scope = ExperimentScope(
        test_id=r["experiment_id"],
        channels=tuple(r["channels"] or ()),
        geos=tuple(r["geos"] or ()),
        design=r["design"] or "",
        start=r["start_day"],
        end=r["end_day"],
        cooldown_end=r["cooldown_end"],
        kpi=r["kpi"],
    )
    return delivered_contract(figures, scope, money_per_kpi=money_per_kpi)


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


def side_by_side(contracts: Iterable[LiftContract]) -> list[Pair]:
    """Every two usable tests of one single channel, compared; the earlier test is the first of its pair."""
    from models.incrementality.agreement import ChannelReading, pairs

    readings = [
        ChannelReading(c.test_id, c.channel, c.iroas, c.iroas_se, c.inflation)
        for c in sorted(contracts, key=lambda c: (c.start, c.test_id))
        if c.usable and c.has_return and c.channel and c.iroas is not None and c.iroas_se is not None
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


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
