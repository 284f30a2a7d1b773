"""One row per metric, and for each that cannot be measured the column that is missing."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl

from benchmarks.operations.content_logs import START, LogSpec, content_log
from models.operations import ContentLog, PeriodSpec, operating_metrics
from models.operations.delegation import comparisons, share_at_constant_quality

NO_PATTERNS = pl.DataFrame(
    schema={"pattern_id": pl.String, "closed_at": pl.Datetime, "ended_at": pl.Datetime, "ending": pl.String}
)
NO_SCORES = pl.DataFrame(schema={"scorer": pl.String, "content_id": pl.String, "refused": pl.Int64})
WEEKS = pl.DataFrame(
    {"week": [START], "metric": ["delegable_share"], "value": [0.5], "numerator": [5.0], "denominator": [10.0]}
)


def log_of(pieces: pl.DataFrame) -> ContentLog:
    full = pieces.with_columns(
        pl.lit(None, dtype=pl.Float64).alias(name)
        for name in ("brand_passed", "brand_applicable", "edit_ratio", "touches", "tokens", "cost", "human_minutes")
    ).with_columns(
        pl.lit(0).alias("returns"),
        pl.lit(True).alias("review_closed"),
        pl.lit(True).alias("by_agent"),
        (pl.col("ending") == "published").alias("is_published"),
        pl.when(pl.col("ending") == "published").then(False).alias("is_corrected"),
        pl.lit(2).alias("unpriced"),
    )
    return ContentLog(full, NO_PATTERNS, NO_SCORES, WEEKS)


def test_each_metric_says_its_state_and_what_is_missing():
    pieces = content_log(LogSpec(days=200, per_day=2), np.random.default_rng(1))
    as_of = START + timedelta(days=199)
    rows, warnings = operating_metrics(log_of(pieces), as_of=as_of, seed=1, spec=PeriodSpec(replicates=60))
    by_name = {row.metric: row for row in rows}
    assert by_name["cycle_time"].state == "measured"
    assert by_name["cycle_time"].baseline_first_day == START
    assert by_name["cycle_time"].progress in ("no change shown", "too few")
    assert by_name["cycle_time"].target == 0.6
    assert "no column tokens" in by_name["tokens_per_published_piece"].reason
    assert by_name["learning_speed"].state == "not applicable"
    assert "scorer human" in by_name["prelaunch_score_human"].reason
    assert "human_minutes" in by_name["delegable_share_at_constant_quality"].reason
    assert by_name["delegable_share"].value == 0.5
    assert "value" in by_name["value_per_person"].reason
    assert all(row.definition and (row.state == "measured" or row.reason) for row in rows)
    assert [w.code for w in warnings] == ["content_cost_unpriced"]


def test_a_piece_that_ended_before_its_brief_is_left_out_and_counted():
    pieces = content_log(LogSpec(days=200, per_day=2), np.random.default_rng(1))
    first = pieces["content_id"] == pieces.filter(pl.col("ending") == "published")["content_id"][-1]
    backwards = pieces.with_columns(
        pl.when(first).then(pl.col("briefed_at") - timedelta(days=3)).otherwise("ended_at").alias("ended_at")
    )
    as_of = START + timedelta(days=199)
    rows, warnings = operating_metrics(log_of(backwards), as_of=as_of, seed=1, spec=PeriodSpec(replicates=60))
    assert next(r for r in rows if r.metric == "cycle_time").state == "measured"
    assert "content_ended_before_brief" in {w.code for w in warnings}


def test_a_young_log_has_figures_but_no_baseline():
    pieces = content_log(LogSpec(days=70, per_day=3), np.random.default_rng(2))
    rows, _ = operating_metrics(
        log_of(pieces), as_of=START + timedelta(days=69), seed=1, spec=PeriodSpec(replicates=60)
    )
    row = next(r for r in rows if r.metric == "cycle_time")
    assert (row.state, row.baseline, row.ratio) == ("measured", None, None)
    assert "no baseline" in row.reason


def test_agents_are_compared_within_a_kind_and_unknown_kinds_are_not_delegable():
    rng = np.random.default_rng(3)
    rows = [
        {
            "task_kind": kind,
            "by_agent": agent,
            "is_first_hit": bool(rng.random() < hit),
            "is_corrected": False,
            "human_minutes": 10.0,
        }
        for kind, agent, hit, n in (
            ("easy", True, 0.97, 200),
            ("easy", False, 0.9, 200),
            ("hard", True, 0.5, 200),
            ("hard", False, 0.9, 200),
            ("rare", True, 1.0, 5),
        )
        for _ in range(n)
    ]
    pieces = pl.DataFrame(rows)
    found = {kind.task_kind: kind.holds for kind in comparisons(pieces)}
    assert found == {"easy": True, "hard": False, "rare": None}
    assert share_at_constant_quality(pieces, comparisons(pieces)) == 400 / 805
