"""What comes next: tests that winning pieces call for, and rules that repeated corrections call for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC

import dagster as dg
import duckdb
import polars as pl

from dagster_project.assets.pattern_evidence import TESTS_WITH_MONEY
from dagster_project.warehouse import run_record, tables
from dagster_project.warehouse.resource import Warehouse
from dagster_project.workspace.approval_ledger import approvals_of
from dagster_project.workspace.environment import settings, workspace
from feedback.patterns import VOCABULARY
from feedback.patterns.dimensions import DIMENSIONS
from feedback.patterns.playbook import Correction, playbook_candidates
from models.patterns.winning_pieces import QueuedTest

SETTLED = (
    "select distinct feature, unnest(channels) from (select feature, channels, state, row_number() over (partition by"
    " feature, kind, channels order by week desc) as recency from feedback.pattern_decision where run_id = ?) as newest"
    " where recency = 1 and state <> 'candidate'"
)
LONGEST_QUEUE = 50


@dg.asset(
    key=["feedback", "test_queue"],
    deps=[["feedback", "pattern_card"], ["marts", "hook_test"], ["marts", "learnable_feature"]],
    group_name="feedback",
    owners=["team:content"],
    kinds={"python", "duckdb"},
    pool="duckdb",
)
def test_queue(warehouse: Warehouse) -> dg.MaterializeResult:
    """Features of pieces that clearly beat their channel and that no test has settled: what to vary next."""
    from models.patterns import LearnSpec, learn, queue_tests, winners

    company = settings()
    with warehouse.read() as con:
        facts = run_record.current(con)
        tests = con.sql(TESTS_WITH_MONEY).pl()
        features = con.sql("select variant, feature from marts.learnable_feature order by variant, feature").pl()
        settled = set(con.execute(SETTLED, [facts.run_id]).fetchall())
    found, queue = [], []
    if tests.height:
        features = features.filter(pl.col("feature").is_in(list(VOCABULARY)))
        spec = LearnSpec(
            delta=company.patterns.delta or 0.01,
            as_of=facts.as_of_day,
            exclusive=frozenset(DIMENSIONS),
            placebo_draws=0,
        )
        estimates = learn(tests, features, seed=facts.seed, spec=spec)
        found = winners(tests, company.patterns.policy)
        queue = queue_tests(found, features, estimates, settled, company.patterns.policy)[:LONGEST_QUEUE]
    rows = pl.DataFrame([{**vars(queued), "message": _sentence(queued)} for queued in queue], infer_schema_length=None)
    with warehouse.write() as con:
        tables.replace(con, "feedback.test_queue", facts.run_id, rows)
    return dg.MaterializeResult(metadata={"dagster/row_count": rows.height, "winning pieces": len(found)})


@dg.asset(
    key=["feedback", "playbook_candidate"],
    deps=[["measurement", "run"], ["marts", "review_return"]],
    group_name="feedback",
    owners=["team:content"],
    kinds={"python", "duckdb"},
    pool="duckdb",
)
def playbook_candidate(warehouse: Warehouse) -> dg.MaterializeResult:
    """Reasons for which people keep returning drafts or denying requests: candidates for a rule of the brand."""
    limits = settings().patterns.playbook
    with warehouse.read() as con:
        facts = run_record.current(con)
        corrections = [*_returns(con), *_denials()]
    now = facts.as_of.replace(tzinfo=UTC)
    found = playbook_candidates(corrections, now, times=limits.times, people=limits.people, days=limits.days)
    rows = pl.DataFrame(
        [
            {
                **vars(candidate),
                "first_at": candidate.first_at.replace(tzinfo=None),
                "last_at": candidate.last_at.replace(tzinfo=None),
                "message": candidate.message,
            }
            for candidate in found
        ],
        infer_schema_length=None,
    )
    with warehouse.write() as con:
        tables.replace(con, "feedback.playbook_candidate", facts.run_id, rows)
    return dg.MaterializeResult(metadata={"dagster/row_count": rows.height})


def _returns(con: duckdb.DuckDBPyConnection) -> Iterator[Correction]:
    rows = con.sql(
        "select reason, reviewer, occurred_at, content_id from marts.review_return where reason is not null"
        " order by occurred_at, event_id"
    ).fetchall()
    for reason, reviewer, at, content in rows:
        yield Correction("review", reason, reviewer or "", at.replace(tzinfo=UTC), content or "")


def _denials() -> Iterator[Correction]:
    """Denials that stand in the ledger; `not_now` says nothing about what was proposed."""
    if not workspace().approvals.exists():
        return
    for case in approvals_of(workspace(), settings()).book().cases:
        if case.denial is not None and case.denial.reason and case.denial.reason != "not_now":
            yield Correction("approval", case.denial.reason, case.denial.by, case.denial.at, case.request.action)


def _sentence(queued: QueuedTest) -> str:
    noun = VOCABULARY[queued.feature].noun
    pieces = "1 piece" if queued.winners == 1 else f"{queued.winners} pieces"
    briefs = "1 more brief" if queued.briefs_needed == 1 else f"{queued.briefs_needed} more briefs"
    return (
        f"{pieces} on {queued.channel} with {noun} clearly beat the channel's usual result. That proves nothing yet:"
        f" vary it between the variants of {briefs} ({queued.contrasts} so far)."
    )


assets = [test_queue, playbook_candidate]
