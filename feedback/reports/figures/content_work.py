"""Content work: what the pattern feed is worth, and whether pieces get faster and are right at once more often."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from math import exp
from typing import Any

from feedback.reports.figure_store import LEVEL, Fact, Figure, cents, millionths
from feedback.reports.figures.reconciliation import COUNTED
from feedback.reports.snapshot.context import ReportContext

FEED, OPERATIONS = "measurement.feed_lift", "measurement.operating_metric"
WORTH = (
    "mean difference between two variants of a brief, one of which was dealt no card; 90 % interval at planned looks"
)
RESAMPLED = "estimate over the newest complete weeks; 90 % interval from resampling briefs"
SHOWN = ("cycle_time", "first_hit_rate")


def content_figures(context: ReportContext) -> Iterator[Figure | Fact]:
    """The feed's worth as of its last planned look, and the operating metrics that have a target.

    Nothing for a workspace without a content log or without offers of the feed. Before the first planned look there is
    no figure, only how many pairs are ready and when the look is due.
    """
    yield from _feed(context)
    yield from _operations(context)


def _feed(context: ReportContext) -> Iterator[Figure | Fact]:
    result = context.query(
        "select * from measurement.feed_lift where run_id = $run_id", needs=("measurement.feed_lift",)
    )
    for row in result.rows:
        sha = result.sql_sha256
        yield Fact("feed.verdict", str(row["verdict"]), FEED)
        for key, column in (("feed.read", "n"), ("feed.ready", "n_ready"), ("feed.planned", "n_planned")):
            yield Figure(key, Decimal(row[column]), "count", COUNTED, sha)
        if row.get("next_look") is not None:
            yield Figure("feed.next_look", Decimal(row["next_look"]), "count", COUNTED, sha)
        if row.get("next_look_on") is not None:
            yield Fact("feed.next_look_on", row["next_look_on"].isoformat(), FEED)
        if row["used_when_on"] is not None:
            yield Figure("feed.used_when_on", millionths(row["used_when_on"]), "share", COUNTED, sha)
        if row["used_when_off"] is not None:
            yield Figure("feed.used_when_off", millionths(row["used_when_off"]), "share", COUNTED, sha)
        if row["lift"] is not None:
            odds = [millionths(exp(row[column]) - 1) for column in ("lift", "low", "high")]
            yield Figure("feed.lift", odds[0], "share", WORTH, sha, odds[1], odds[2], LEVEL)
        if row["money"] is not None:
            money = [cents(row[column]) for column in ("money", "money_low", "money_high")]
            yield Figure("feed.worth", money[0], row["currency"], WORTH, sha, money[1], money[2], LEVEL)


def _operations(context: ReportContext) -> Iterator[Figure | Fact]:
    result = context.query(
        "select * from measurement.operating_metric where run_id = $run_id and state = 'measured'",
        needs=("measurement.operating_metric",),
    )
    rows = {row["metric"]: row for row in result.rows}
    for metric in (name for name in SHOWN if name in rows):
        row = rows[metric]
        unit = "share" if row["unit"] == "share" else "ratio"
        yield _ranged(f"operations.{metric}.now", row, ("value", "low", "high"), unit, result.sql_sha256)
        yield Fact(f"operations.{metric}.progress", row["progress"] or "no baseline", OPERATIONS)
        if row["ratio"] is not None:
            yield _ranged(
                f"operations.{metric}.ratio", row, ("ratio", "ratio_low", "ratio_high"), "ratio", result.sql_sha256
            )
            target = millionths(row["target"])
            yield Figure(f"operations.{metric}.target", target, "ratio", "setting: operations", result.sql_sha256)
        if row["n_needed"] is not None:
            needed = Decimal(row["n_needed"])
            yield Figure(f"operations.{metric}.needed", needed, "count", COUNTED, result.sql_sha256)


def _ranged(key: str, row: dict[str, Any], columns: tuple[str, str, str], unit: str, sha: str) -> Figure:
    value, low, high = (millionths(row[column]) for column in columns)
    return Figure(key, value, unit, RESAMPLED, sha, low, high, LEVEL)
