"""Each declared test read by Plumbline as its frozen design says, each delivered one taken over, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from dagster_project import experiment_rows, frozen_designs, results, run_record
from dagster_project.environment import settings, workspace
from dagster_project.experiment_inputs import DeclaredTest, declared_tests
from dagster_project.findings import markdown, record_warnings
from dagster_project.plotted import picture
from dagster_project.warehouse import Warehouse
from models.warning import Warning

if TYPE_CHECKING:
    from models.incrementality import LiftResult

NEEDS = "landing/experiments: a geo test (channels, geos, start, end), the arms or users of an A/B test, or a result"


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
    from models.incrementality import PanelError
    from models.incrementality.agreement import conflict_warnings

    company = settings()
    worth = None if company.kpi.value_per_unit is None else float(company.kpi.value_per_unit)
    margin = None if company.margin is None else float(company.margin)
    with warehouse.read() as con:
        facts = run_record.current(con)
        designs, broken = frozen_designs.known(workspace().experiments, facts.as_of_day)
        tests = declared_tests(con, facts.as_of_day, designs, company_kpi=company.kpi.name, value_per_unit=worth)
    read: list[tuple[DeclaredTest, LiftResult]] = []
    warnings = [_design_unusable(fault) for fault in broken]
    for test in tests:
        try:
            read.append((test, test.read(margin=margin, seed=facts.seed)))
        except PanelError as refused:
            warnings.append(_unreadable(test.experiment_id, refused))
            continue
        warnings += experiment_rows.one_per_code(test.experiment_id, [*test.departures(), *read[-1][1].warnings])
    with warehouse.read() as con:
        delivered, notes = experiment_rows.delivered_tests(
            con,
            but=[test.experiment_id for test in tests],
            company_kpi=company.kpi.name,
            value_per_unit=worth,
        )
    own = experiment_rows.frame_of(experiment_rows.rows_of(test, lift) for test, lift in read)
    table = experiment_rows.stacked([own, delivered])
    pairs = experiment_rows.side_by_side(table)
    warnings += [*notes, *conflict_warnings(pairs)]
    of_each = experiment_rows.stacked
    tables = {
        "measurement.experiment": table,
        "measurement.experiment_path": of_each(experiment_rows.path_rows(t.experiment_id, lift) for t, lift in read),
        "measurement.experiment_check": of_each(experiment_rows.check_rows(t.experiment_id, lift) for t, lift in read),
        "measurement.experiment_placebo": of_each(
            experiment_rows.placebo_rows(t.experiment_id, lift) for t, lift in read
        ),
        "measurement.experiment_power": of_each(experiment_rows.power_rows(t) for t, _ in read),
        "measurement.experiment_pair": experiment_rows.pair_rows(pairs),
    }
    with warehouse.write() as con:
        for name, frame in tables.items():
            results.replace(con, name, facts.run_id, frame)
        record_warnings(con, facts.run_id, warnings)
        run_record.record_not_run(con, facts.run_id, "experiments", None if table.height else NEEDS)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": table.height,
            "read": len(read),
            "delivered": delivered.height,
            "same_channel": dg.MetadataValue.md("\n".join(f"- {pair.message}" for pair in pairs) or "no two tests"),
            "warnings": dg.MetadataValue.md(markdown(warnings)),
            **{key: shown for test, lift in read for key, shown in _pictures(test, lift).items()},
        }
    )


def _pictures(test: DeclaredTest, lift: LiftResult) -> dict[str, dg.MetadataValue]:
    from feedback.reports import experiment_plots, plots

    name = test.experiment_id
    path = plots.experiment(experiment_rows.path_rows(name, lift))
    statistic = lift.other_form.get("statistic")
    drawn = experiment_plots.placebos(
        lift.placebos, statistic=statistic if isinstance(statistic, float) else None, p_value=lift.p_value
    )
    found = {
        f"path_{name}": picture(path, f"{name}: actual against what would have happened"),
        f"placebos_{name}": picture(drawn, f"{name}: the tested regions among placebo tests"),
    }
    if test.frozen is not None:
        design = test.frozen.design
        curve = experiment_plots.power_curve(design.curve_frame(), mde=design.mde, power=design.power)
        found[f"power_{name}"] = picture(curve, f"{name}: what the frozen design could find")
    return found


def _unreadable(experiment_id: str, refused: Exception) -> Warning:
    return Warning(
        "experiment_unreadable",
        "high",
        experiment_id,
        f"The test could not be read: {refused}",
        "Complete the panel, or correct the test's dates and regions in landing/experiments.",
    )


def _design_unusable(fault: frozen_designs.DesignError) -> Warning:
    return Warning(
        "frozen_design_unusable",
        "high",
        str(fault).split()[0],
        f"{fault}. Its test is read as if nothing had been planned.",
        "Restore the file as it was frozen.",
    )


assets = [experiment]
