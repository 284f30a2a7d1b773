"""When things run: one job over the whole graph, every morning and whenever a file is dropped."""

import hashlib

import dagster as dg

from dagster_project.warehouse import run_record
from dagster_project.workspace.environment import settings, workspace
from dagster_project.workspace.landing_folder import files_below, printable_name

daily = dg.define_asset_job(
    "daily",
    selection=dg.AssetSelection.all() - dg.AssetSelection.assets(["ops", "asked_answers"]),
    description="Everything from landing to report, as of one day.",
)


ask_panel = dg.define_asset_job(
    "ask_panel",
    selection=dg.AssetSelection.assets(["ops", "asked_answers"]),
    description="The panel's questions of one day to the AI engines, within the caps.",
)


@dg.schedule(job=ask_panel, cron_schedule="0 4 * * *", execution_timezone=settings().time_zone)
def every_asking_day(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """An hour before the daily run, on the days of the design, once somebody has turned this schedule on."""
    from dagster_project.asking.day_plan import is_planned

    day = run_record.today(settings())
    if not is_planned(day, settings().ai.sampling):
        return dg.SkipReason(f"ai.sampling.days in plumbline.yaml leaves out {day:%A}")
    return dg.RunRequest(run_key=f"ask {day}", partition_key=str(day))


@dg.schedule(job=daily, cron_schedule="0 5 * * *", execution_timezone=settings().time_zone)
def every_morning(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """At five in the morning in the workspace's time zone: the run of that day, with all that was delivered by then."""
    day = str(run_record.today(settings()))
    return dg.RunRequest(run_key=day, partition_key=day)


@dg.sensor(job=daily, minimum_interval_seconds=60)
def landing_dropped(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """A run when names, sizes or times of the files in landing/ have changed since the last look."""
    root = workspace().landing
    listing = sorted(
        f"{printable_name(p, root)}|{p.stat().st_size}|{p.stat().st_mtime_ns}" for p in files_below(root) if p.is_file()
    )
    cursor = hashlib.sha256("\n".join(listing).encode()).hexdigest()
    if cursor == context.cursor:
        return dg.SkipReason("landing/ has not changed since the last look")
    context.update_cursor(cursor)
    return dg.RunRequest(run_key=cursor, partition_key=str(run_record.today(settings())))
