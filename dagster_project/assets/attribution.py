"""How rules and path models split tracked revenue; not causal, and triangulation treats it accordingly."""

from __future__ import annotations

import dagster as dg
import duckdb
import polars as pl

from dagster_project.warehouse import run_record
from dagster_project.warehouse import tables as warehouse_tables
from dagster_project.warehouse.resource import Warehouse
from dagster_project.warehouse.warnings import record_warnings
from models.warning import Warning

STAGES = ("order", "won")
DRAWS = 300
_KEY = ["channel", "model"]


@dg.asset(
    key=["measurement", "attribution"],
    deps=[["marts", "path"], ["marts", "account_path"], ["marts", "touch_path"], ["marts", "attribution_credit"]],
    group_name="measurement",
    owners=["team:analytics"],
    kinds={"python", "duckdb"},
    pool="duckdb",
)
def attribution(warehouse: Warehouse) -> dg.MaterializeResult:
    """Conversions and amounts per channel and model, with sampling ranges, and markov's share of every conversion."""
    from models.attribution import credit_warnings, heuristics, markov, markov_credit, markov_rows, path_warnings

    with warehouse.read() as con:
        facts = run_record.current(con)
        paths = con.sql(
            "select stage, path, total_conversions, total_conversion_value, total_null from marts.path"
        ).pl()
        buyers = con.sql(
            "select stage, account, path, total_conversions, total_conversion_value, total_null from marts.account_path"
            " order by account, path"
        ).pl()
        touches = con.sql(
            "select stage, conversion_id, touch_id, channel, position from marts.touch_path"
            " order by conversion_id, position"
        ).pl()
    tables: list[pl.DataFrame] = []
    credits: list[pl.DataFrame] = []
    warnings: list[Warning] = []
    for stage in STAGES:
        own = (
            paths.filter(pl.col("stage") == stage)
            .drop("stage")
            .with_columns(pl.col("total_conversion_value").cast(pl.Float64))
        )
        if own.is_empty() or own["total_conversions"].sum() == 0:
            continue
        classic = markov(own)
        parts = [
            heuristics(own).select("channel", "model", "conversions", "value"),
            markov_rows(own).select("channel", pl.lit("markov").alias("model"), "conversions", "value"),
            classic.select(
                "channel",
                pl.lit("markov_classic").alias("model"),
                "conversions",
                "value",
                pl.col("removal_effect_conversions").alias("removal_effect"),
            ),
        ]
        table = pl.concat(parts, how="diagonal_relaxed").with_columns(stage=pl.lit(stage))
        tables.append(table.join(_ranges(buyers.filter(pl.col("stage") == stage), facts.seed), _KEY, how="left"))
        shares = markov_credit(touches.filter(pl.col("stage") == stage).drop("stage", "position"), own)
        credits.append(shares.with_columns(stage=pl.lit(stage)))
        warnings += [*path_warnings(own), *credit_warnings(own)]
    table = pl.concat(tables) if tables else pl.DataFrame()
    missing = None if tables else "touches and conversions: GA4 or a CRM in landing/"
    with warehouse.write() as con:
        warehouse_tables.replace(con, "measurement.attribution", facts.run_id, table)
        count = _write_credit(con, facts.run_id, pl.concat(credits) if credits else None)
        record_warnings(con, facts.run_id, warnings)
        run_record.record_not_run(con, facts.run_id, "attribution", missing)
    return dg.MaterializeResult(metadata={"dagster/row_count": table.height, "markov_credit_rows": count})


def _ranges(buyers: pl.DataFrame, seed: int) -> pl.DataFrame:
    """90 % sampling range of each model's value per channel: every model refitted on resampled buyers."""
    from models.attribution import intervals

    rows = buyers.with_columns(pl.col("total_conversion_value").cast(pl.Float64))
    table = intervals(rows, draws=DRAWS, seed=seed).table.filter(pl.col("measure") == "value")
    named = pl.col("model").replace("markov", "markov_classic")
    return table.select("channel", named.alias("model"), pl.col("q05").alias("low"), pl.col("q95").alias("high"))


def _write_credit(con: duckdb.DuckDBPyConnection, run_id: str, shares: pl.DataFrame | None) -> int:
    """Markov's shares as money: largest remainder per conversion, so that every conversion is split to the cent."""
    from models.attribution import cents

    if shares is None:
        return warehouse_tables.replace(con, "measurement.attribution_credit", run_id, pl.DataFrame())
    con.register("shares", shares.to_arrow())
    rows = con.sql(
        "select s.conversion_id, s.touch_id, s.channel, s.stage, s.weight, c.day,"
        " cast(c.amount_report * 100 as bigint) as amount_minor"
        " from shares s join marts.conversion c using (conversion_id) order by s.conversion_id, s.touch_id"
    ).pl()
    con.unregister("shares")
    amounts = rows.select("conversion_id", "amount_minor").unique()
    split = cents(rows.select("conversion_id", "touch_id", "weight"), amounts)
    money = rows.join(
        split.select("conversion_id", "touch_id", minor=pl.col("amount_minor")), on=["conversion_id", "touch_id"]
    )
    frame = money.select(
        pl.lit("markov").alias("model"),
        "conversion_id",
        "touch_id",
        "channel",
        pl.col("weight").alias("credit"),
        (pl.col("minor").cast(pl.Decimal(38, 0)) * pl.lit("0.01").cast(pl.Decimal(3, 2)))
        .cast(pl.Decimal(18, 2))
        .alias("amount"),
        "stage",
        "day",
    )
    return warehouse_tables.replace(con, "measurement.attribution_credit", run_id, frame)


assets = [attribution]
