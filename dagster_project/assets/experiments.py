"""Each declared test read by Plumbline, each delivered one taken over, side by side."""

from __future__ import annotations

import dagster as dg
import polars as pl

from dagster_project import results, run_record
from dagster_project.environment import settings
from dagster_project.experiment_inputs import declared_tests, delivered_tests, frame_of, path_of, rows_of
from dagster_project.findings import markdown, record_warnings
from dagster_project.plotted import picture
from dagster_project.warehouse import Warehouse


@dg.asset(
    key=["measurement", "experiment"],
    deps=[["marts", "experiment"], ["marts", "experiment_panel"]],
    group_name="measurement",
    owners=["team:analytics"],
    kinds={"python", "duckdb"},
    pool="duckdb",
)
def experiment(warehouse: Warehouse) -> dg.MaterializeResult:
    """What each experiment caused: lift, range, p-value, iROAS and a verdict, by placebo inference over regions."""
    from feedback.reports import plots
    from models.incrementality import PanelError, read_geo
    from models.warning import Warning

    with warehouse.read() as con:
        facts = run_record.current(con)
        tests, delivered = declared_tests(con, facts.as_of_day), delivered_tests(con)
    share = settings().margin
    margin = float(share) if share is not None else None
    rows, paths, warnings, plotted = [], [], [], {}
    for test in tests:
        try:
            lift = read_geo(
                test.panel,
                test.geos,
                start=test.start,
                end=test.end,
                exclude=test.exclude,
                cooldown=test.cooldown,
                margin=margin,
                randomised=test.design == "geo_rct",
                seed=facts.seed,
            )
        except PanelError as refused:
            warnings.append(
                Warning(
                    "experiment_unreadable",
                    "high",
                    test.experiment_id,
                    f"The test could not be read: {refused}",
                    "Complete the panel, or correct the test's dates and regions in landing/experiments.",
                )
            )
            continue
        rows.append(rows_of(test, lift))
        paths.append(path_of(test, lift))
        warnings += [Warning(w.code, w.severity, test.experiment_id, w.message, w.action) for w in lift.warnings]
        plotted[f"path_{test.experiment_id}"] = picture(
            plots.experiment(paths[-1]), f"{test.experiment_id}: actual against what would have happened"
        )
    read = frame_of(rows)
    table = (
        pl.concat([f for f in (read, delivered) if f.height], how="diagonal_relaxed")
        if rows or delivered.height
        else read
    )
    missing = None if table.height else "landing/experiments: a geo test (channels, geos, start, end) or a result"
    with warehouse.write() as con:
        results.replace(con, "measurement.experiment", facts.run_id, table)
        results.replace(con, "measurement.experiment_path", facts.run_id, pl.concat(paths) if paths else pl.DataFrame())
        record_warnings(con, facts.run_id, warnings)
        run_record.record_not_run(con, facts.run_id, "experiments", missing)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": table.height,
            "read": len(rows),
            "delivered": delivered.height,
            "warnings": dg.MetadataValue.md(markdown(warnings)),
            **plotted,
        }
    )


assets = [experiment]
