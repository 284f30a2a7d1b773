"""The figure store of one report, computed from a published snapshot and nothing else."""

from __future__ import annotations

from decimal import Decimal

import duckdb

from feedback.reports.figure_store import Figure, FigureStore
from feedback.reports.figures.change import cause_facts, change_figures
from feedback.reports.figures.channels import channel_figures
from feedback.reports.figures.content_work import content_figures
from feedback.reports.figures.decisions import decision_facts, move_figures, next_test_figures
from feedback.reports.figures.full_costs import full_cost_figures
from feedback.reports.figures.headline import acquisition_figures, headline_figures
from feedback.reports.figures.ledger_tie import ledger_figures
from feedback.reports.figures.provenance import page_facts, provenance_facts
from feedback.reports.figures.reconciliation import COUNTED, outcome_figures, split_figures
from feedback.reports.figures.track_record import record_figures
from feedback.reports.figures.unknowns import unknown_figures
from feedback.reports.snapshot.context import ReportContext, context_of, current_run, overlapping, period_of
from feedback.reports.snapshot.settings import DecisionPolicy, ReportSettings


def figures(
    con: duckdb.DuckDBPyConnection,
    *,
    period: str | None,
    settings: ReportSettings,
    previous: FigureStore | None = None,
    policy: DecisionPolicy | None = None,
) -> FigureStore:
    """Everything the report may print, from a read-only connection to the snapshot.

    `period` is a fiscal quarter such as `2026-Q3`, `window`, or None for the last quarter with complete data.
    `previous` is the store of the report before this one, for the section on what changed. No gate is applied here:
    ask `feedback.reports.figures.gates.reasons`. Raises SnapshotError when spend or outcome are missing altogether.
    """
    rules = policy or DecisionPolicy()
    run_id = current_run(con)
    context = context_of(con, run_id, period_of(con, run_id, period, settings), settings)
    store = FigureStore.of([*page_facts(context), *provenance_facts(context), *outcome_figures(context)])
    outcome = store["outcome.total"]
    store = store.plus([*ledger_figures(context, outcome), *split_figures(context, outcome)])
    store = store.plus([*channel_figures(context), _unpriced(context)])
    spend = store["total.spend"]
    if "split.channels" in store:
        store = store.plus(headline_figures(context, outcome, store["split.channels"], store["total.measured_spend"]))
    store = store.plus(acquisition_figures(context, store.get("outcome.new_customers"), spend))
    store = store.plus(full_cost_figures(context, store))
    store = store.plus(decision_facts(store, context.channels, rules))
    store = store.plus([*move_figures(context, store, rules), *next_test_figures(context, store)])
    store = store.plus([*unknown_figures(context, store, rules), *record_figures(context), *cause_facts(context)])
    store = store.plus(content_figures(context))
    return store.plus(change_figures(store, previous)) if "split.channels" in store else store


def _unpriced(context: ReportContext) -> Figure:
    """Rows of spend without an amount in report currency: one of them would understate spend in silence."""
    result = context.query(
        f"select count(*) as unpriced from {overlapping('marts.channel_day')}"
        " where spend_report is null and spend is not null and spend <> 0",
        needs=("marts.channel_day",),
    )
    return Figure("spend.unpriced_rows", Decimal(result.rows[0]["unpriced"]), "count", COUNTED, result.sql_sha256)
