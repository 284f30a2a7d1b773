"""Tests that the company ran or declared: results, the panel of regions, an A/B test's users or the sums of its arms.

Reading a test is `models.incrementality`; here it is only made sure that what was delivered can be read.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import polars as pl

from dagster_project.sources.contract import Broken, Context, Entity, Field, Shape, Source

DESIGNS = ("geo_rct", "geo_quasi", "ab", "switchback", "time_series", "platform_lift")
ESTIMANDS = ("incremental_revenue", "incremental_kpi", "iroas", "mroas")
_SYMMETRY = 0.1  # share of the interval's width by which its two halves may differ
RESULT_TABLE = Entity(
    "experiments",
    (
        ("experiment_id", "id"),
        ("channels", "text"),
        ("design", "text"),
        ("geos", "text"),
        ("start_day", "day"),
        ("end_day", "day"),
        ("cooldown_end", "day"),
        ("estimand", "text"),
        ("value", "double"),
        ("low", "double"),
        ("high", "double"),
        ("level", "double"),
        ("se", "double"),
        ("spend_treated", "money"),
        ("spend_control", "money"),
        ("currency", "currency"),
        ("kpi", "text"),
        ("step", "double"),
        ("note", "text"),
        ("control_arm", "text"),
        ("split", "text"),
        ("planned_users", "count"),
    ),
)
PANEL_TABLE = Entity(
    "experiments__panel",
    (
        ("experiment_id", "id"),
        ("geo", "text"),
        ("day", "day"),
        ("kpi", "double"),
        ("revenue", "money"),
        ("spend", "money"),
        ("arm", "text"),
        ("period", "text"),
    ),
)
ARM_TABLE = Entity(
    "experiments__arm",
    (
        ("experiment_id", "id"),
        ("arm", "text"),
        ("n", "count"),
        ("sum", "double"),
        ("sum_sq", "double"),
        ("cov_n", "count"),
        ("cov_sum", "double"),
        ("cov_sum_sq", "double"),
        ("cross_sum", "double"),
        ("stratum", "text"),
        ("den_sum", "double"),
        ("den_sum_sq", "double"),
        ("num_den_sum", "double"),
        ("covden_sum", "double"),
        ("covden_sum_sq", "double"),
        ("num_covden_sum", "double"),
        ("den_cov_sum", "double"),
        ("den_covden_sum", "double"),
        ("cov_covden_sum", "double"),
        ("buyers", "count"),
        ("sum_cu", "double"),
    ),
)
USER_TABLE = Entity(
    "experiments__user",
    (
        ("experiment_id", "id"),
        ("user_key", "person"),
        ("arm", "text"),
        ("value", "money"),
        ("denominator", "money"),
        ("covariate", "money"),
        ("covariate_denominator", "money"),
        ("stratum", "text"),
        ("assigned_at", "instant"),
    ),
)


def _results(good: pl.DataFrame, ctx: Context) -> tuple[dict[str, pl.DataFrame], list[Broken]]:
    """A result needs a standard error or a symmetric interval; a row without value declares a test, which is legal."""
    for column in ("value", "low", "high", "level", "se"):
        if column not in good.columns:
            good = good.with_columns(pl.lit(None, dtype=pl.Float64).alias(column))
    for column in ("spend_treated", "spend_control"):
        if column not in good.columns:
            good = good.with_columns(pl.lit(None, dtype=pl.Decimal(38, 6)).alias(column))
    rows, broken = [], []
    for line in good.iter_rows(named=True):
        line, fault = _with_se(line)
        broken += [fault] if fault else []
        rows.append(line)
    good = pl.DataFrame(rows, schema=good.schema) if rows else good
    good = good.with_columns(
        pl.col(c).str.replace_all(r"\s*[|;,]\s*", "|") for c in ("channels", "geos") if c in good.columns
    )
    return {"experiments": good}, broken


def _with_se(line: dict[str, Any]) -> tuple[dict[str, Any], Broken | None]:
    row, value = line["_row"], line["value"]
    if line["end_day"] < line["start_day"]:
        return line, Broken(
            row,
            "end_day",
            str(line["end_day"]),
            "bad_date",
            f"is before the start {line['start_day']}; correct one of them",
        )
    if value is None:
        return line, None
    if line["estimand"] == "iroas" and (line["spend_treated"] is None or line["spend_control"] is None):
        return line, Broken(
            row, "spend_treated", None, "missing_value", "an iroas needs spend_treated and spend_control; fill both"
        )
    if line["se"] is not None:
        return line, None if line["se"] > 0 else Broken(
            row, "se", str(line["se"]), "bad_number", "is not above 0; a result without error does not exist"
        )
    low, high = line["low"], line["high"]
    if low is None or high is None:
        return line, Broken(
            row,
            "se",
            None,
            "missing_value",
            "a result needs se, or low and high with level; fill them, or clear value to declare the test",
        )
    if not low <= value <= high or high == low:
        return line, Broken(
            row, "value", str(value), "bad_number", f"lies outside its interval {low} to {high}; correct the row"
        )
    if abs((high - value) - (value - low)) > _SYMMETRY * (high - low):
        return line, Broken(
            row,
            "low",
            str(low),
            "asymmetric_interval",
            f"and high {high} are not symmetric round {value}; give se instead",
        )
    level = line["level"] or 0.9
    return {**line, "level": level, "se": (high - low) / (2 * NormalDist().inv_cdf((1 + level) / 2))}, None


_ID = Field("experiment_id", "id", ("experiment_id", "test_id"), required=True, filled=True)
RESULTS = Shape(
    "results",
    "experiments",
    fields=(
        _ID,
        Field("channels", "text", ("channels", "channel"), required=True, filled=True),
        Field("design", "choice", ("design",), one_of=DESIGNS, required=True, filled=True),
        Field("geos", "text", ("geos", "geo")),
        Field("start_day", "day", ("start_day", "start", "start_date"), required=True, filled=True, future=True),
        Field("end_day", "day", ("end_day", "end", "end_date"), required=True, filled=True, future=True),
        Field("cooldown_end", "day", ("cooldown_end",), future=True),
        Field("estimand", "choice", ("estimand",), one_of=ESTIMANDS, required=True, filled=True),
        Field("value", "double", ("value",)),
        Field("low", "double", ("low",)),
        Field("high", "double", ("high",)),
        Field("level", "double", ("level",)),
        Field("se", "double", ("se",)),
        Field("spend_treated", "money", ("spend_treated",)),
        Field("spend_control", "money", ("spend_control",)),
        Field("currency", "currency", ("currency",)),
        Field("kpi", "choice", ("kpi",)),
        Field("step", "double", ("step",)),
        Field("note", "text", ("note",)),
        Field("control_arm", "text", ("control_arm", "control")),
        Field("split", "text", ("split",)),
        Field("planned_users", "count", ("planned_users",), least=2),
    ),
    key=("experiment_id", "estimand"),
    currency_from="report",
    finish=_results,
)
PANEL = Shape(
    "panel",
    "experiments__panel",
    fields=(
        _ID,
        Field("geo", "text", ("geo", "region", "location"), required=True, filled=True),
        Field("day", "day", ("day", "date"), required=True, filled=True),
        Field("kpi", "double", ("kpi", "y"), required=True, filled=True),
        Field("revenue", "money", ("revenue",)),
        Field("spend", "money", ("spend", "cost")),
        Field("arm", "choice", ("arm",), one_of=("treatment", "control")),
        Field("period", "choice", ("period",), one_of=("pre", "test", "cooldown")),
    ),
    key=("experiment_id", "geo", "day"),
)
ARMS = Shape(
    "arms",
    "experiments__arm",
    fields=(
        _ID,
        Field("arm", "text", ("arm",), required=True, filled=True),
        Field("n", "count", ("n",), required=True, filled=True, least=1),
        Field("sum", "double", ("sum",), required=True, filled=True),
        Field("sum_sq", "double", ("sum_sq",), required=True, filled=True, least=0),
        Field("cov_n", "count", ("cov_n",), least=0),
        Field("cov_sum", "double", ("cov_sum",)),
        Field("cov_sum_sq", "double", ("cov_sum_sq",), least=0),
        Field("cross_sum", "double", ("cross_sum",)),
        Field("stratum", "text", ("stratum",)),
        Field("den_sum", "double", ("den_sum",)),
        Field("den_sum_sq", "double", ("den_sum_sq",), least=0),
        Field("num_den_sum", "double", ("num_den_sum",)),
        Field("covden_sum", "double", ("covden_sum",)),
        Field("covden_sum_sq", "double", ("covden_sum_sq",), least=0),
        Field("num_covden_sum", "double", ("num_covden_sum",)),
        Field("den_cov_sum", "double", ("den_cov_sum",)),
        Field("den_covden_sum", "double", ("den_covden_sum",)),
        Field("cov_covden_sum", "double", ("cov_covden_sum",)),
        Field("buyers", "count", ("buyers",), least=0),
        Field("sum_cu", "double", ("sum_cu",)),
    ),
    key=("experiment_id", "arm", "stratum"),
)
USERS = Shape(
    "users",
    "experiments__user",
    fields=(
        _ID,
        Field("user_key", "person", ("user_id", "user_key", "user"), required=True, filled=True),
        Field("arm", "text", ("arm", "variant", "variation"), required=True, filled=True),
        Field("value", "money", ("value", "metric"), required=True, filled=True),
        Field("denominator", "money", ("denominator",)),
        Field("covariate", "money", ("covariate", "pre_value")),
        Field("covariate_denominator", "money", ("covariate_denominator",)),
        Field("stratum", "text", ("stratum",)),
        Field("assigned_at", "instant", ("assigned_at",)),
    ),
    key=("experiment_id", "user_key", "arm"),
)
SOURCE = Source("experiments", (RESULT_TABLE, PANEL_TABLE, ARM_TABLE, USER_TABLE), (RESULTS, PANEL, ARMS, USERS))
