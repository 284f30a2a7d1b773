"""What is not known: conflicts, warnings, spend with weak evidence, provisional days, and what did not run."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from feedback.reports.figure_store import Fact, Figure, FigureStore, millionths
from feedback.reports.figures.reconciliation import COUNTED
from feedback.reports.snapshot.context import ReportContext
from feedback.reports.snapshot.settings import DecisionPolicy

ORDER = {"block": 0, "high": 1, "medium": 2, "low": 3, "info": 4}


def unknown_figures(context: ReportContext, store: FigureStore, policy: DecisionPolicy) -> Iterator[Figure | Fact]:
    """Each as a fact in the model's own words, gravest first, with the share of spend that depends on it."""
    yield from _warnings(context)
    yield from _conflicts(context)
    yield from _not_run(context)
    spend = store["total.spend"].value
    weak = [name for name in context.channels if store.text(f"channel.{name}.grade") == "D"]
    if spend > 0:
        weak_spend = sum((store[f"channel.{name}.spend"].value for name in weak), Decimal(0))
        sha = store["total.spend"].sql_sha256
        yield Figure("unknown.grade_d_share", millionths(weak_spend / spend), "share", COUNTED, sha)
    for name in context.channels:
        prior = store.get(f"weight.{name}.prior")
        if prior is not None and prior.value > policy.assumption:
            yield Fact(f"assumption.{name}.said", "mostly assumption", "measurement.weight.prior")


def _warnings(context: ReportContext) -> Iterator[Fact]:
    result = context.query(
        "select code, subject, severity, message, action from measurement.warning where run_id = $run_id"
        " order by code, subject",
        needs=("measurement.warning",),
    )
    graver = sorted(result.rows, key=lambda row: (ORDER.get(row["severity"], 0), row["code"], row["subject"]))
    for number, row in enumerate(graver, 1):
        source = "measurement.warning"
        yield Fact(f"warning.{number}.severity", row["severity"], source)
        yield Fact(f"warning.{number}.code", row["code"], source)
        yield Fact(f"warning.{number}.subject", row["subject"], source)
        yield Fact(f"warning.{number}.message", row["message"], source)
        yield Fact(f"warning.{number}.action", row["action"], source)


def _conflicts(context: ReportContext) -> Iterator[Fact | Figure]:
    result = context.query(
        "select channel, source, p::decimal(18,6) as p, message from measurement.conflict"
        " where run_id = $run_id and flagged order by p, channel, source",
        needs=("measurement.conflict",),
    )
    for number, row in enumerate(result.rows, 1):
        yield Fact(f"conflict.{number}.channel", row["channel"], "measurement.conflict")
        yield Fact(f"conflict.{number}.message", row["message"] or "", "measurement.conflict")
        if row["p"] is not None:
            basis = "probability of so extreme a reading if all other sources are right"
            yield Figure(f"conflict.{number}.p", row["p"], "share", basis, result.sql_sha256)


def _not_run(context: ReportContext) -> Iterator[Fact]:
    result = context.query(
        "select capability, string_agg(needs, '; ' order by needs) as needs from ops.not_run"
        " where run_id = $run_id group by capability order by capability",
        needs=("ops.not_run",),
    )
    for number, row in enumerate(result.rows, 1):
        yield Fact(f"not_run.{number}.capability", row["capability"], "ops.not_run")
        yield Fact(f"not_run.{number}.needs", row["needs"], "ops.not_run")
