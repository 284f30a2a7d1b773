"""Tests and model side by side: what the model without tests expected of each, and, on demand, the model with them."""

from __future__ import annotations

import dagster as dg
import polars as pl

from dagster_project.assets.experiments.contracts import lift_contracts
from dagster_project.assets.mmm import fits, lift_tests
from dagster_project.warehouse import run_record, tables
from dagster_project.warehouse.resource import Warehouse
from dagster_project.warehouse.warnings import markdown, record_warnings
from dagster_project.workspace.environment import settings, workspace
from models.warning import Warning


@dg.asset(
    key=["measurement", "mmm_experiment"],
    deps=[["measurement", "mmm"], ["measurement", "experiment"]],
    group_name="measurement",
    owners=["team:analytics"],
    kinds={"pymc", "duckdb"},
    pool="duckdb",
)
def mmm_experiment(warehouse: Warehouse) -> dg.MaterializeResult:
    """Did the model see the tests coming? Each test beside the model's expectation, which no test has touched.

    With `mmm: {experiments: true}` the tests also enter a second fit, `measurement.mmm_calibrated`. The evidence that
    is combined stays the fit without tests, so that no test counts twice.
    """
    from models.mmm import against_experiments, fit

    company = settings()
    left_out: dict[str, str] = {}
    check, calibrated = None, pl.DataFrame()
    warnings: list[Warning] = []
    with warehouse.read() as con:
        facts = run_record.current(con)
        contracts = lift_contracts(con, facts.run_id)
        stored = fits.fit_of_run(con, workspace().fits, facts.run_id) if contracts else None
    if stored is not None:
        try:
            tests, left_out = lift_tests.tests_for(contracts, stored.data, company.kpi.name, facts.as_of_day)
            if tests and stored.converged:
                comparison = against_experiments(stored, tests)
                check, warnings = comparison.table, list(comparison.warnings)
            if tests and company.mmm.experiments:
                second = fit(stored.data, fits.specification(company, stored.data), experiments=tests, seed=facts.seed)
                calibrated = lift_tests.calibrated(second)
                of_tests = ("not_converged", "experiment_conflict", "test_outside_belief")
                warnings += [w for w in second.warnings() if w.code in of_tests]
        except ValueError as refused:
            warnings.append(
                Warning(
                    code="experiment_not_comparable",
                    severity="medium",
                    subject="mmm",
                    message=f"The tests could not be compared with the model: {refused}",
                    action="Check window, regions and spend of that test in landing/experiments.",
                )
            )
    rows = lift_tests.table(check, left_out)
    with warehouse.write() as con:
        tables.replace(con, "measurement.mmm_experiment", facts.run_id, rows)
        tables.replace(con, "measurement.mmm_calibrated", facts.run_id, calibrated)
        record_warnings(con, facts.run_id, warnings)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": rows.height,
            "tests": dg.MetadataValue.md(lift_tests.as_markdown(rows)),
            "warnings": dg.MetadataValue.md(markdown(warnings)),
        }
    )


assets = [mmm_experiment]
