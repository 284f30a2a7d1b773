"""The footer: which run, which data, which code, as of when. Machine names and paths do not belong here."""

from __future__ import annotations

from collections.abc import Iterator

from feedback.reports.figure_store import Fact
from feedback.reports.snapshot.context import ReportContext

FIELDS = ("as_of", "data_sha256", "spec_sha256", "code_version", "packages_sha256", "seed", "verdict")


def provenance_facts(context: ReportContext) -> Iterator[Fact]:
    """Facts `run.*`; a field that the run did not record is left out."""
    yield Fact("run.id", context.run_id, "ops.current_run")
    result = context.query("select * from measurement.run where run_id = $run_id", needs=("measurement.run",))
    for row in result.rows[:1]:
        for field in FIELDS:
            if row.get(field) is not None:
                yield Fact(f"run.{field}", str(row[field]), "measurement.run")
    as_of = context.query("select as_of_day::varchar as day from ops.current_run", needs=("ops.current_run",))
    for row in as_of.rows[:1]:
        yield Fact("run.as_of_day", row["day"], "ops.current_run")


def page_facts(context: ReportContext) -> Iterator[Fact]:
    """Company, period and currency as the page prints them."""
    settings, period = context.settings, context.period
    yield Fact("page.company", settings.company, "plumbline.yaml: company.name")
    yield Fact("page.period", period.key, "as requested, or the last fiscal quarter with complete data")
    yield Fact("page.title", period.title, "fiscal calendar")
    yield Fact("page.start", period.start.isoformat(), "fiscal calendar")
    measured = context.measured_spend
    if (measured.first, measured.last) != (period.start, period.end):
        yield Fact("page.measured_from", measured.first.isoformat(), "measurement.measured_period")
        yield Fact("page.measured_to", measured.last.isoformat(), "measurement.measured_period")
    yield Fact("page.end", period.end.isoformat(), "fiscal calendar")
    yield Fact("page.currency", settings.currency, "plumbline.yaml: report_currency")
