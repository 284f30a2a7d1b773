"""What the pattern feed is worth, read from the pairs that its own draw made, and how completely receipts come back."""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg
import duckdb
import polars as pl

from dagster_project.warehouse import run_record, tables
from dagster_project.warehouse.resource import Warehouse
from dagster_project.warehouse.warnings import markdown, record_warnings
from dagster_project.workspace.environment import settings
from models.warning import Warning

OUTCOME = "ctr_log_odds"
NEEDS = "landing/receipts: offers of the feed (`plumbline feed offer`) for variants whose results are in content_events"
COUNTS = """
    select
        (select count(*) from marts.receipt) as offered,
        (select count(*) from marts.receipt where not receipted) as unanswered,
        (select count(*) from marts.receipt_refusal) as contradicting,
        (select count(*) from raw.quarantine where source = 'receipts') as quarantined,
        (select avg(used::int) from marts.receipt where assigned) as used_when_on,
        (select avg(used::int) from marts.receipt where not assigned) as used_when_off
"""


@dg.asset(
    key=["measurement", "feed_lift"],
    deps=[
        ["measurement", "run"],
        ["marts", "feed_pair"],
        ["marts", "receipt"],
        ["marts", "receipt_refusal"],
        ["marts", "hook_test"],
    ],
    group_name="measurement",
    owners=["team:content"],
    kinds={"python", "duckdb"},
    pool="duckdb",
)
def lift(warehouse: Warehouse) -> dg.MaterializeResult:
    """The feed's worth by intention to treat, read at its planned looks only; engagement, unless money is known."""
    from models.patterns import FeedPlan, feed_lift

    patterns = settings().patterns
    with warehouse.read() as con:
        facts = run_record.current(con)
        pairs = con.sql(
            "select brief, closed, trials_on, successes_on, trials_off, successes_off, value_on, value_off"
            " from marts.feed_pair"
            " where closed <= (select as_of_day from ops.current_run)"
        ).pl()
        counts = con.sql(COUNTS).pl().to_dicts()[0]
        spread = _pair_sd(con)
    warnings = list(_receipt_warnings(counts))
    table = pl.DataFrame()
    if counts["offered"]:
        result = feed_lift(
            pairs,
            FeedPlan(smallest_lift=patterns.smallest_lift, pair_sd=spread),
            currency=settings().report_currency,
        )
        warnings += result.warnings
        table = pl.DataFrame(
            {
                "outcome": OUTCOME,
                "lift": result.lift,
                "low": result.low,
                "high": result.high,
                "level": 0.90,
                "n": result.n,
                "n_ready": result.n_ready,
                "n_planned": result.n_planned,
                "look": result.look,
                "looks": result.looks,
                "round": result.round,
                "may_be_read": result.may_be_read,
                "verdict": result.verdict,
                "money": result.money,
                "money_low": result.money_low,
                "money_high": result.money_high,
                "currency": result.currency,
                "next_look": result.next_look,
                "next_look_on": result.next_look_on,
                "used_when_on": counts["used_when_on"],
                "used_when_off": counts["used_when_off"],
                "offered": counts["offered"],
                "unanswered": counts["unanswered"],
                "refused": counts["contradicting"] + counts["quarantined"],
                "message": result.sentence,
            }
        )
    with warehouse.write() as con:
        tables.replace(con, "measurement.feed_lift", facts.run_id, table)
        record_warnings(con, facts.run_id, warnings)
        run_record.record_not_run(con, facts.run_id, "feed_lift", None if table.height else NEEDS)
    said = table["message"][0] if table.height else f"not run: needs {NEEDS}"
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": table.height,
            "result": said,
            "warnings": dg.MetadataValue.md(markdown(warnings)),
        }
    )


def _pair_sd(con: duckdb.DuckDBPyConnection) -> float:
    """Spread between two variants of a brief in the tests before the first offer, so that the plan stays as it was."""
    from models.patterns import pair_sd_of

    arms = con.sql(
        "select brief, channel, variant, sum(trials) as trials, sum(successes) as successes from marts.hook_test"
        " where week < coalesce((select min(offered_at) from marts.receipt), (select as_of from ops.current_run))"
        " group by brief, channel, variant having sum(trials) >= 200 order by brief, channel, variant"
    ).pl()
    return pair_sd_of(arms)


def _receipt_warnings(counts: Mapping[str, int]) -> list[Warning]:
    """Receipts that are missing or contradict the feed's record, each counted and with its consequence."""
    warnings = []
    if counts["unanswered"]:
        warnings.append(
            Warning(
                "receipts_missing",
                "medium",
                "feed",
                f"{counts['unanswered']} of {counts['offered']} offered cards have no valid receipt. Their briefs are"
                " left out of pattern learning; the feed's worth still counts them, as they were drawn.",
                "Have the content agents return a receipt for every offer (docs/agent.md);"
                " `plumbline show WS receipts` names those that are missing.",
            )
        )
    refused = counts["contradicting"] + counts["quarantined"]
    if refused:
        warnings.append(
            Warning(
                "receipts_refused",
                "medium",
                "feed",
                f"{refused} receipts or offers were refused: {counts['quarantined']} at landing,"
                f" {counts['contradicting']} because they contradict what the feed dealt. None of them counts.",
                "See `plumbline show WS quarantine` and `plumbline show WS refused` for file, row and reason.",
            )
        )
    return warnings


assets = [lift]
