"""Track record: what was predicted before a test ended, against the result of the test."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from feedback.reports.figure_store import LEVEL, Fact, Figure, millionths
from feedback.reports.figures.channels import tested_channels
from feedback.reports.figures.reconciliation import COUNTED
from feedback.reports.snapshot.context import ReportContext

TRACK_RULE = "rule: track record"


def record_figures(context: ReportContext) -> Iterator[Figure | Fact]:
    """Each test of one channel beside the newest estimate that was older than the test's end.

    Where no estimate is that old, the MMM's own iROAS of this run stands beside the test, marked as looking back: the
    test was already part of its data. A prediction counts as kept when its 90 % range and the test's overlap, which is
    a weak requirement.
    """
    tests = context.query(
        "select experiment_id, channels, end_day::date as end_day, iroas, iroas_low, iroas_high"
        " from measurement.experiment where run_id = $run_id and isfinite(iroas) and isfinite(iroas_low)"
        " and isfinite(iroas_high) and verdict <> 'invalid' order by end_day desc, experiment_id",
        needs=("measurement.experiment",),
    )
    earlier = context.query(
        "select e.channel, r.as_of::date as as_of, e.q05, e.q50, e.q95 from measurement.channel_estimate e"
        " join measurement.run r using (run_id) where e.method = 'triangulated' and e.estimand = 'iroas'"
        " and e.period = 'window' and e.run_id <> $run_id and isfinite(e.q05)"
        " and isfinite(e.q50) and isfinite(e.q95) order by as_of desc, r.started_at desc",
        needs=("measurement.channel_estimate", "measurement.run"),
    )
    now = context.query(
        "select channel, q05, q50, q95 from measurement.channel_estimate where run_id = $run_id and method = 'mmm'"
        " and estimand = 'iroas' and period = 'window' and isfinite(q05) and isfinite(q50) and isfinite(q95)"
        " order by channel",
        needs=("measurement.channel_estimate",),
    )
    looking_back = {row["channel"]: row for row in now.rows}
    overlaps = number = 0
    for test in tests.rows:
        names = tested_channels(test["channels"])
        if len(names) != 1:
            continue
        before = next((r for r in earlier.rows if r["channel"] == names[0] and r["as_of"] < test["end_day"]), None)
        prediction = before or looking_back.get(names[0])
        if prediction is None:
            continue
        number += 1
        overlap = prediction["q05"] <= test["iroas_high"] and test["iroas_low"] <= prediction["q95"]
        overlaps += overlap
        key = f"record.{number}"
        yield Fact(f"{key}.test", str(test["experiment_id"]), "measurement.experiment")
        yield Fact(f"{key}.channel", names[0], "measurement.experiment")
        yield Fact(f"{key}.ended", test["end_day"].isoformat(), "measurement.experiment.end_day")
        yield Fact(f"{key}.kind", "predicted" if before else "looking back", TRACK_RULE)
        yield Fact(
            f"{key}.agrees",
            "ranges overlap" if overlap else "ranges do not overlap",
            TRACK_RULE,
        )
        yield _ranged(
            f"{key}.predicted",
            prediction["q50"],
            prediction["q05"],
            prediction["q95"],
            earlier.sql_sha256 if before else now.sql_sha256,
        )
        yield _ranged(f"{key}.test_said", test["iroas"], test["iroas_low"], test["iroas_high"], tests.sql_sha256)
    if number:
        yield Figure("track.tests", Decimal(number), "count", COUNTED, tests.sql_sha256)
        yield Figure("track.kept", Decimal(overlaps), "count", COUNTED, tests.sql_sha256)


def _ranged(identifier: str, point: float, low: float, high: float, sha: str) -> Figure:
    basis = "iROAS, 90 % interval"
    return Figure(identifier, millionths(point), "ratio", basis, sha, millionths(low), millionths(high), LEVEL)
