"""Reads each declared test as its frozen design says; stores it beside the tests that were delivered with a result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl

from dagster_project.assets.experiments import frozen_designs
from dagster_project.assets.experiments import rows as experiment_rows
from dagster_project.assets.experiments.geo_tests import DeclaredTest, declared_tests
from dagster_project.assets.experiments.user_tests import UserTest, user_tests
from dagster_project.warehouse import run_record
from dagster_project.warehouse import tables as warehouse_tables
from dagster_project.warehouse.metadata import picture
from dagster_project.warehouse.resource import Warehouse
from dagster_project.warehouse.warnings import markdown, record_warnings
from dagster_project.workspace.environment import settings, workspace
from models.warning import Warning

if TYPE_CHECKING:
    from models.incrementality import LiftResult

NEEDS = "landing/experiments: a geo test (channels, geos, start, end), the arms or users of an A/B test, or a result"


@dg.asset(
    key=["measurement", "experiment"],
    deps=[["marts", "experiment"], ["marts", "experiment_panel"], ["marts", "experiment_arm"]],
    group_name="measurement",
    owners=["team:analytics"],
    kinds={"python", "duckdb"},
    pool="duckdb",
)
def experiment(warehouse: Warehouse) -> dg.MaterializeResult:
    """What each test caused: lift, range, p-value, iROAS and a verdict; regions by placebo inference, users by arms."""
    from models.incrementality.agreement import conflict_warnings

    company = settings()
    worth = None if company.kpi.value_per_unit is None else float(company.kpi.value_per_unit)
    margin = None if company.margin is None else float(company.margin)
    with warehouse.read() as con:
        facts = run_record.current(con)
        designs, broken = frozen_designs.known(workspace().experiments, facts.as_of_day)
        tests = declared_tests(con, facts.as_of_day, designs, company_kpi=company.kpi.name, value_per_unit=worth)
        going_on = declared_tests(
            con,
            facts.as_of_day,
            designs,
            company_kpi=company.kpi.name,
            value_per_unit=worth,
            running=True,
        )
        by_users, lacking = user_tests(con, facts.as_of_day, company_kpi=company.kpi.name, value_per_unit=worth)
    read, geo_findings = _read_regions(tests, margin, facts.seed)
    arms, user_findings = _read_users(by_users, margin)
    looked, look_findings = _look([*going_on, *(test for test, _ in read if test.frozen and test.frozen.looks)], facts)
    judged = [(t.experiment_id, lift) for t, lift in read] + [(t.name_of(arm), lift) for t, arm, lift in arms]
    with warehouse.read() as con:
        delivered, notes = experiment_rows.delivered_tests(
            con,
            read_here=[*(test.experiment_id for test, _ in read), *(trial.experiment_id for trial, _, _ in arms)],
            company_kpi=company.kpi.name,
            value_per_unit=worth,
        )
    own = [(test.contract(lift), lift, test.frozen.sha256 if test.frozen else None) for test, lift in read]
    own += [(trial.contract(arm, lift), lift, None) for trial, arm, lift in arms]
    table = experiment_rows.frame_of(
        [experiment_rows.read_row(contract, lift, design_sha256=sha256) for contract, lift, sha256 in own]
        + [experiment_rows.delivered_row(contract) for contract in delivered]
    )
    pairs = experiment_rows.side_by_side([*(contract for contract, _, _ in own), *delivered])
    warnings = [fault.warning() for fault in broken]
    warnings += [*lacking, *geo_findings, *user_findings, *look_findings, *notes, *conflict_warnings(pairs)]
    of_each = experiment_rows.stacked
    tables = {
        "measurement.experiment": table,
        "measurement.experiment_path": of_each(experiment_rows.path_rows(name, lift) for name, lift in judged),
        "measurement.experiment_check": of_each(experiment_rows.check_rows(name, lift) for name, lift in judged),
        "measurement.experiment_placebo": of_each(experiment_rows.placebo_rows(name, lift) for name, lift in judged),
        "measurement.experiment_power": of_each(experiment_rows.power_rows(t) for t, _ in read),
        "measurement.experiment_look": of_each(looked),
        "measurement.experiment_pair": experiment_rows.pair_rows(pairs),
    }
    with warehouse.write() as con:
        for target, frame in tables.items():
            warehouse_tables.replace(con, target, facts.run_id, frame)
        record_warnings(con, facts.run_id, warnings)
        run_record.record_not_run(con, facts.run_id, "experiments", None if table.height else NEEDS)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": table.height,
            "read": len(judged),
            "delivered": len(delivered),
            "same_channel": dg.MetadataValue.md("\n".join(f"- {pair.message}" for pair in pairs) or "no two tests"),
            "warnings": dg.MetadataValue.md(markdown(warnings)),
            **{key: shown for test, lift in read for key, shown in _pictures(test, lift).items()},
        }
    )


def _read_regions(
    tests: Sequence[DeclaredTest], margin: float | None, seed: int
) -> tuple[list[tuple[DeclaredTest, LiftResult]], list[Warning]]:
    """Each geo test that can be read, and everything to warn about."""
    from models.incrementality import PanelError

    read, warnings = [], []
    for test in tests:
        try:
            lift = test.read(margin=margin, seed=seed)
        except PanelError as refused:
            warnings.append(_unreadable(test.experiment_id, refused))
            continue
        read.append((test, lift))
        warnings += experiment_rows.one_per_code(test.experiment_id, [*test.departures(), *lift.warnings])
    return read, warnings


def _look(tests: Sequence[DeclaredTest], facts: run_record.RunFacts) -> tuple[list[pl.DataFrame], list[Warning]]:
    """Rows of the declared looks so far; none before the day of the first look."""
    from models.incrementality import NoLookYet, PanelError

    rows, warnings = [], []
    for test in tests:
        try:
            looked = test.look(seed=facts.seed)
        except NoLookYet:
            continue
        except PanelError as refused:
            warnings.append(_unreadable(test.experiment_id, refused))
            continue
        rows.append(experiment_rows.look_rows(test.experiment_id, looked))
        if test.end <= facts.as_of_day:
            warnings.append(
                Warning(
                    "looked_at_early",
                    "low",
                    test.experiment_id,
                    "The test was looked at early, as planned. Its p-value and range are those of one look at the end.",
                    "Decide by its last look, which pays for the earlier ones.",
                )
            )
    return rows, warnings


def _read_users(
    tests: Sequence[UserTest], margin: float | None
) -> tuple[list[tuple[UserTest, str, LiftResult]], list[Warning]]:
    """Each arm of each user test against its control, and everything to warn about."""
    from models.incrementality import ArmsError

    read, warnings = [], []
    for test in tests:
        try:
            lifts = [(test, arm, test.read(arm, margin=margin)) for arm in test.treatments]
        except ArmsError as refused:
            warnings.append(_unreadable(test.experiment_id, refused))
            continue
        read += lifts
        warnings += test.warnings()
        for _, arm, lift in lifts:
            warnings += experiment_rows.one_per_code(test.name_of(arm), lift.warnings)
    return read, warnings


def _pictures(test: DeclaredTest, lift: LiftResult) -> dict[str, dg.MetadataValue]:
    from feedback.reports import asset_plots
    from feedback.reports.experiment import charts

    name = test.experiment_id
    path = asset_plots.experiment(experiment_rows.path_rows(name, lift))
    statistic = lift.other_form.get("statistic")
    drawn = charts.placebos(
        lift.placebos, statistic=statistic if isinstance(statistic, float) else None, p_value=lift.p_value
    )
    found = {
        f"path_{name}": picture(path, f"{name}: actual against what would have happened"),
        f"placebos_{name}": picture(drawn, f"{name}: the tested regions among placebo tests"),
    }
    if test.frozen is not None:
        design = test.frozen.design
        curve = charts.power_curve(design.curve_frame(), mde=design.mde, power=design.power)
        found[f"power_{name}"] = picture(curve, f"{name}: what the frozen design could find")
    return found


def _unreadable(experiment_id: str, refused: Exception) -> Warning:
    return Warning(
        "experiment_unreadable",
        "high",
        experiment_id,
        f"The test could not be read: {refused}",
        "Complete the panel or the arms, or correct the test's dates, regions or arms in landing/experiments.",
    )


assets = [experiment]
