"""The panel of AI answers as a step of its own: it calls paid services, so no run of the warehouse starts it."""

from datetime import date

import dagster as dg

from dagster_project.workspace.environment import days, settings, workspace

KEY = dg.AssetKey(["ops", "asked_answers"])
CHECK = "every_slot_has_an_answer"


@dg.asset(
    key=KEY,
    partitions_def=days(),
    check_specs=[dg.AssetCheckSpec(CHECK, asset=KEY)],
    group_name="asking",
    owners=["team:analytics"],
    kinds={"python"},
)
def asked_answers(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Answers of AI engines to the panel's questions of one day, delivered into landing/ai_answers."""
    from dagster_project.asking.panel import read_panel
    from dagster_project.asking.session import ask_day
    from dagster_project.warehouse.run_record import today

    company, day = settings(), date.fromisoformat(context.partition_key)
    if day != today(company):
        raise dg.Failure(f"the slots of {day} cannot be asked on another day; what was missed stays missing")
    report = ask_day(workspace(), company, day, read_panel(workspace().landing, company))
    missing = sum(report.open.values()) + sum(report.statuses.get(s, 0) for s in ("error", "timeout"))
    told = f"{missing} of {report.planned} slots have no answer" if missing else f"{report.planned} slots"
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": sum(report.statuses.values()),
            "panel_version": report.panel_version,
            "spent_usd": float(report.spent_usd),
            "left_usd": float(report.left_usd),
            "stopped": report.stopped or "",
            "engines_given_up": ", ".join(report.engines_out),
            "files": ", ".join(report.files),
        },
        check_results=[
            dg.AssetCheckResult(
                check_name=CHECK,
                asset_key=KEY,
                passed=report.complete,
                severity=dg.AssetCheckSeverity.WARN,
                description=told,
            )
        ],
    )


assets = [asked_answers]
