"""The figure store of one report, computed from a published snapshot and nothing else."""

from __future__ import annotations

from decimal import Decimal

import duckdb

from feedback.reports.figure_store import Figure, FigureStore
from feedback.reports.figures.change import cause_facts, change_figures
from feedback.reports.figures.channels import channel_figures
from feedback.reports.figures.decisions import decision_facts, move_figures, next_test_figures
from feedback.reports.figures.headline import acquisition_figures, headline_figures
from feedback.reports.figures.provenance import page_facts, provenance_facts
from feedback.reports.figures.reconciliation import COUNTED, ledger_figures, outcome_figures, split_figures
from feedback.reports.figures.track_record import record_figures
from feedback.reports.figures.unknowns import unknown_figures
from feedback.reports.snapshot.context import Subject, current_run, period_of, subject_of
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
    subject = subject_of(con, run_id, period_of(con, run_id, period, settings), settings)
    store = FigureStore.of([*page_facts(subject), *provenance_facts(subject), *outcome_figures(subject)])
    outcome = store["outcome.total"]
    store = store.plus([*ledger_figures(subject, outcome), *split_figures(subject, outcome)])
    store = store.plus([*channel_figures(subject), _unpriced(subject)])
    spend = store["total.spend"]
    if "split.channels" in store:
        store = store.plus(headline_figures(subject, outcome, store["split.channels"], spend))
    store = store.plus(acquisition_figures(subject, store.get("outcome.new_customers"), spend))
    store = store.plus(decision_facts(store, subject.channels, rules))
    store = store.plus([*move_figures(subject, store, rules), *next_test_figures(subject, store)])
    store = store.plus([*unknown_figures(subject, store, rules), *record_figures(subject), *cause_facts(subject)])
    return store.plus(change_figures(store, previous)) if "split.channels" in store else store


def _unpriced(subject: Subject) -> Figure:
    """Rows of spend without an amount in report currency: one of them would understate spend in silence."""
    answer = subject.ask(
        "select count(*) as unpriced from marts.channel_day"
        " where day between $start and $end and spend_report is null and spend is not null and spend <> 0",
        needs=("marts.channel_day",),
    )
    return Figure("spend.unpriced_rows", Decimal(answer.rows[0]["unpriced"]), "count", COUNTED, answer.sql_sha256)
