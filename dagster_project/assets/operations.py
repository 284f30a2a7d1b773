"""Operating metrics of content work: each with its range, the workspace's own baseline, its target and its trend."""

from __future__ import annotations

from dataclasses import asdict

import dagster as dg
import duckdb
import polars as pl

from dagster_project.warehouse import run_record, tables
from dagster_project.warehouse.resource import Warehouse
from dagster_project.warehouse.warnings import markdown, record_warnings
from dagster_project.workspace.environment import settings
from models.warning import Warning

NEEDS = "landing/content_events: brief_created, draft_ready, approved or review_returned, published, killed"
BASELINES = (
    "select m.baseline_sha256, m.baseline_first_day from measurement.operating_metric m join ops.run r using (run_id)"
    " where m.run_id <> ? and m.baseline_sha256 is not null and r.status = 'finished'"
    " order by r.started_at desc limit 1"
)


@dg.asset(
    key=["measurement", "operating_metric"],
    deps=[
        ["measurement", "run"],
        ["marts", "content_life"],
        ["marts", "content_score"],
        ["marts", "operating_week"],
        ["intermediate", "int_system__pattern_life"],
    ],
    group_name="measurement",
    owners=["team:content"],
    kinds={"python", "duckdb"},
    pool="duckdb",
)
def operating_metric(warehouse: Warehouse) -> dg.MaterializeResult:
    """How long, how often right at once, how much rewritten, at what cost: newest period beside the own baseline."""
    from models.operations import ContentLog, operating_metrics

    rules = settings().operations
    with warehouse.read() as con:
        facts = run_record.current(con)
        log = ContentLog(
            pieces=priced_pieces(con, float(rules.hourly_rate) if rules.hourly_rate else None),
            patterns=con.sql("select * from intermediate.int_system__pattern_life order by pattern_id").pl(),
            scores=con.sql("select * from marts.content_score order by scorer, content_id").pl(),
            weeks=con.sql("select * from marts.operating_week order by metric, week").pl(),
        )
        earlier = next(iter(con.execute(BASELINES, [facts.run_id]).fetchall()), None)
    table, warnings = pl.DataFrame(), []
    if log.pieces.height:
        rows, found = operating_metrics(
            log,
            as_of=facts.as_of_day,
            seed=facts.seed,
            band=rules.edit_band,
            targets=(rules.cycle_time_target, rules.first_hit_target),
        )
        table = pl.DataFrame([asdict(row) for row in rows], infer_schema_length=None)
        now = next((row.baseline_sha256 for row in rows if row.baseline_sha256), None)
        warnings = [*found, *_moved_baseline(earlier, now)]
    with warehouse.write() as con:
        tables.replace(con, "measurement.operating_metric", facts.run_id, table)
        record_warnings(con, facts.run_id, warnings)
        run_record.record_not_run(con, facts.run_id, "operating_metrics", None if table.height else NEEDS)
    return dg.MaterializeResult(
        metadata={"dagster/row_count": table.height, "warnings": dg.MetadataValue.md(markdown(warnings))}
    )


def priced_pieces(con: duckdb.DuckDBPyConnection, hourly_rate: float | None) -> pl.DataFrame:
    """The mart with `cost` as a number; people's minutes are in it where an hourly rate is set."""
    pieces = con.sql("select * replace (cast(cost as double) as cost) from marts.content_life order by content_id").pl()
    if hourly_rate is None:
        return pieces
    of_people = pl.col("human_minutes") / 60 * hourly_rate
    return pieces.with_columns(
        pl.when(pl.col("cost").is_null() & of_people.is_null())
        .then(None)
        .otherwise(pl.col("cost").fill_null(0) + of_people.fill_null(0))
        .alias("cost")
    )


def _moved_baseline(earlier: tuple[object, ...] | None, now: str | None) -> list[Warning]:
    if earlier is None or now is None or earlier[0] == now:
        return []
    return [
        Warning(
            "baseline_moved",
            "medium",
            "content",
            f"The baseline of the operating metrics (weeks from {earlier[1]}) is no longer what the run before"
            " computed it from: events of those weeks were delivered or restated since. Every ratio to it moved too.",
            "Compare `plumbline show WS operations` with the earlier report; deliver events of closed weeks once.",
        )
    ]


assets = [operating_metric]
