"""From hook tests to pattern cards to the feed, which tells content agents what provably works."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING

import dagster as dg
import duckdb
import polars as pl

from dagster_project.assets import pattern_evidence
from dagster_project.assets.memory_cards import keep_card, stored_cards, tell_of_cards
from dagster_project.warehouse import run_record, tables
from dagster_project.warehouse.connection import first
from dagster_project.warehouse.resource import Warehouse
from dagster_project.warehouse.warnings import markdown, record_warnings
from dagster_project.workspace.approval_ledger import approvals_of
from dagster_project.workspace.environment import settings, workspace
from dagster_project.workspace.memory_store import memory_store, tell_of_approvals
from feedback.patterns import VOCABULARY
from feedback.patterns.dimensions import DIMENSIONS, SCOPES
from feedback.patterns.extractor_changes import reread_weeks
from models.warning import Warning

if TYPE_CHECKING:
    from models.patterns.decision import Decision

LONGEST_REPLAY_WEEKS = 52
QUERY = "dbt/models/marts/content/hook_test.sql"


@dg.asset(
    key=["measurement", "pattern_estimate"],
    deps=[["measurement", "run"], ["marts", "hook_test"], ["marts", "variant_feature"], ["marts", "learnable_feature"]],
    group_name="measurement",
    owners=["team:content"],
    kinds={"python", "duckdb"},
    pool="duckdb",
)
def pattern_estimate(warehouse: Warehouse) -> dg.MaterializeResult:
    """The effect of each creative feature within a brief, shrunk to the size that can be expected again."""
    from models.patterns import LearnSpec, learn

    with warehouse.read() as con:
        facts = run_record.current(con)
        tests, features = _tests(con)
        outside_vocabulary = _outside_vocabulary(con)
    missing = (
        None if tests.height else "landing/content and landing/content_events: variants of a brief with their results"
    )
    table, warnings, differences, money = pl.DataFrame(), [], pl.DataFrame(), pl.DataFrame()
    if tests.height:
        spec = LearnSpec(
            delta=settings().patterns.delta or 0.01, as_of=facts.as_of_day, exclusive=frozenset(DIMENSIONS)
        )
        estimates = learn(tests, features, seed=facts.seed, spec=spec)
        warnings = [*estimates.warnings, *outside_vocabulary]
        table = estimates.frame
        with warehouse.read() as con:
            differences = pattern_evidence.interaction_rows(con, estimates)
        money = pattern_evidence.money_rows(tests, settings())
        if table.height:
            table = table.select(
                "feature",
                pl.col("channels").list.join("|").alias("channel"),
                "raw",
                "raw_se",
                "shrunk",
                pl.col("low").alias("q05"),
                pl.col("high").alias("q95"),
                "p_gt_0",
                "lfsr",
                "n_contrasts",
            )
    with warehouse.write() as con:
        tables.replace(con, "measurement.pattern_estimate", facts.run_id, table if table.height else pl.DataFrame())
        tables.replace(con, "measurement.pattern_interaction", facts.run_id, differences)
        tables.replace(con, "measurement.pattern_money", facts.run_id, money)
        record_warnings(con, facts.run_id, warnings)
        run_record.record_not_run(con, facts.run_id, "patterns", missing)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": table.height,
            "effects": dg.MetadataValue.md(_strongest(table)),
            "warnings": dg.MetadataValue.md(markdown(warnings)),
        }
    )


@dg.asset(
    key=["feedback", "pattern_card"],
    deps=[["measurement", "pattern_estimate"], ["measurement", "feed_lift"], ["marts", "channel_period_spend"]],
    group_name="feedback",
    owners=["team:content"],
    kinds={"python", "duckdb"},
    pool="duckdb",
)
def pattern_card(warehouse: Warehouse) -> dg.MaterializeResult:
    """Card versions that the promotion rules add: insert only, each with its evidence, effect size and expiry.

    What people must agree to first waits for their decision in the ledger of approvals (`plumbline pending`).
    """
    from feedback.approvals.pattern_gate import gated
    from feedback.patterns import CardRun, EpochKey, next_versions
    from models.patterns import LearnSpec, as_experiments, replay
    from models.patterns.decision import ACTIVE

    company = settings()
    waiting = denied = 0
    with warehouse.read() as con:
        facts = run_record.current(con)
        tests, features = _tests(con)
        stored = stored_cards(con, memory_store(workspace(), company))
        worth = con.execute(
            "select max(verdict) from measurement.feed_lift where run_id = ?", [facts.run_id]
        ).fetchone()
    new, decisions = [], []
    if tests.height:
        span = tests.select((pl.lit(facts.as_of_day) - pl.col("week").min()).dt.total_days()).item()
        weeks = min(LONGEST_REPLAY_WEEKS, max(2, int(span) // 7))
        decisions = replay(
            tests,
            features,
            # The statistics decide as if people had agreed; whether they have is asked of the ledger, below.
            company.patterns.policy.model_copy(
                update={
                    "risk": company.approvals.risks,
                    "approved": frozenset(VOCABULARY),
                    "reread": reread_weeks(stored, facts.as_of_day),
                }
            ),
            as_of=facts.as_of_day,
            weeks=weeks,
            seed=facts.seed,
            spec=LearnSpec(delta=company.patterns.delta or 0.01, exclusive=frozenset(DIMENSIONS)),
        )
        if worth == ("useless",):
            decisions = as_experiments(decisions)
        with warehouse.read() as con:
            decisions = pattern_evidence.for_people(con, decisions, company.patterns.policy)
            of_its_day = run_record.is_of_its_day(con, company)
        run = CardRun(
            brand=company.company.brand,
            run_id=facts.run_id,
            code_version=run_record.code_version(),
            data_snapshot_sha256=_digest(tests, features),
            query_ref=f"{QUERY}@{run_record.code_version()}",
            explore_floor=company.patterns.exposure.explore_floor,
            seed_ref=EpochKey.name_of(facts.as_of),
        )
        now = run_record.now(company).replace(tzinfo=UTC, microsecond=0)
        ledger = approvals_of(workspace(), company)
        gate = gated(decisions, stored, run, ledger, now, may_ask=of_its_day)
        waiting, denied = gate.waiting, gate.denied
        judged = {(d.key, d.week) for d in gate.decisions}
        decisions = [d for d in decisions if (d.key, d.week) not in judged] + list(gate.decisions)
        recorded_at = facts.as_of.replace(tzinfo=UTC, microsecond=0)
        latest = {d.key: d for d in sorted(gate.decisions, key=lambda d: d.week)}
        newest = [d for d in latest.values() if d.estimate is not None and d.state in ACTIVE]
        with warehouse.read() as con:
            well, badly = pattern_evidence.examples_of(con, newest, tests, features)
        run = replace(
            run,
            approvals=gate.approvals,
            exemplars=well,
            counterexamples=badly,
            money=pattern_evidence.money_of(newest, tests, company.margin),
        )
        new = next_versions(stored, gate.decisions, recorded_at, run)
    with warehouse.write() as con:
        tables.replace(con, "feedback.pattern_decision", facts.run_id, _decision_rows(decisions))
        for card in (*stored, *new):
            keep_card(con, card, facts.run_id)
        count = first(con, "select count(*) from feedback.pattern_card")
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": count[0] if count else 0,
            "new_versions": len(new),
            "waiting for a person": waiting,
            "denied by a person": denied,
        }
    )


@dg.asset(
    key=["feedback", "feed"],
    deps=[["feedback", "pattern_card"]],
    group_name="feedback",
    owners=["team:content"],
    kinds={"python"},
    pool="duckdb",
)
def feed(warehouse: Warehouse) -> dg.MaterializeResult:
    """The feed's next immutable snapshot for the brand; none is written when no card changed.

    Before it, every new card version enters the memory's store, in one transaction with the event that tells of it.
    """
    from feedback.memory import publish

    company = settings()
    with warehouse.read() as con:
        facts = run_record.current(con)
        cards = [json.loads(row[0]) for row in con.execute("select card from feedback.pattern_card").fetchall()]
    store = memory_store(workspace(), company)
    told = tell_of_cards(store, cards)
    told += tell_of_approvals(workspace(), company, store, run_record.now(company).replace(tzinfo=UTC))
    store.close()
    written = publish(workspace().memory, company.company.brand, cards, facts.as_of.replace(tzinfo=UTC, microsecond=0))
    with warehouse.write() as con:
        con.execute(
            "insert or replace into feedback.feed values (?, ?, ?, ?, ?)",
            [written.feed_seq, company.company.brand, written.sha256, len(written.cards), facts.run_id],
        )
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": len(written.cards),
            "feed_seq": written.feed_seq,
            "sha256": written.sha256,
            "new events": told,
        }
    )


def _tests(con: duckdb.DuckDBPyConnection) -> tuple[pl.DataFrame, pl.DataFrame]:
    tests = con.sql(pattern_evidence.TESTS_WITH_MONEY).pl()
    features = con.sql("select variant, feature from marts.learnable_feature order by variant, feature").pl()
    return tests, features.filter(pl.col("feature").is_in(list(VOCABULARY)))


def _outside_vocabulary(con: duckdb.DuckDBPyConnection) -> list[Warning]:
    """Features outside the vocabulary: kept in the mart, but not used for learning."""
    usual = {f"{dimension.name}.{dimension.usual}" for dimension in DIMENSIONS.values()}
    keys = con.sql("select distinct feature from marts.variant_feature order by feature").pl()["feature"].to_list()
    return [
        Warning(
            "feature_not_in_vocabulary",
            "low",
            key,
            f"Content carries the feature {key}, which is not in the vocabulary, so it is not analysed.",
            "Use a key of docs/methods/patterns.md, or add the new key there after review.",
        )
        for key in keys
        if key not in VOCABULARY and key not in usual and key.split(".", 1)[0] not in SCOPES
    ]


def _decision_rows(decisions: Sequence[Decision]) -> pl.DataFrame:
    """Every decision of the replayed weeks with its reasons; the estimate as it was in that week."""
    return pl.DataFrame(
        [
            {
                "week": d.week,
                "feature": d.feature,
                "kind": d.kind,
                "channels": list(d.channels),
                "state": d.state,
                "previous": d.previous,
                "since": d.since,
                "reason": d.reason,
                "unmet": list(d.unmet),
                "p_assign": d.p_assign,
                "worth": d.worth,
                "risk": d.risk,
                "tier": d.tier,
                "retire_reason": d.retire_reason,
                "expires": d.expires,
                "shrunk": d.estimate.shrunk if d.estimate else None,
                "low": d.estimate.low if d.estimate else None,
                "high": d.estimate.high if d.estimate else None,
                "lfsr": d.estimate.lfsr if d.estimate else None,
                "n_contrasts": d.estimate.n_contrasts if d.estimate else None,
            }
            for d in decisions
        ],
        infer_schema_length=None,
        schema_overrides={"channels": pl.List(pl.String), "unmet": pl.List(pl.String)},
    )


def _digest(tests: pl.DataFrame, features: pl.DataFrame) -> str:
    return hashlib.sha256((tests.write_csv() + features.write_csv()).encode()).hexdigest()


def _strongest(table: pl.DataFrame) -> str:
    if table.is_empty():
        return "no feature varied inside two briefs"
    rows = table.sort("lfsr").head(10).to_dicts()
    lines = [
        f"| {r['feature']} | {r['shrunk']:+.3f} | {r['q05']:+.3f} to {r['q95']:+.3f} | {r['lfsr']:.3f} |" for r in rows
    ]
    return "\n".join(["| feature | effect, log odds | 90 % posterior | false sign |", "|---|---|---|---|", *lines])


assets = [pattern_estimate, pattern_card, feed]
