"""Every operating metric of a content log in one row each: newest period, baseline, change, target and trend."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

import polars as pl

from models.operations.delegation import FEWEST_PIECES, comparisons, share_at_constant_quality
from models.operations.measures import Measure, measures
from models.operations.periods import (
    Change,
    Estimate,
    PeriodSpec,
    Window,
    as_seen,
    baseline_of,
    change,
    estimate,
    newest_of,
)
from models.operations.prelaunch_scores import ScoreAgreement, agreement
from models.warning import Warning

RowState = Literal["measured", "not measured", "not applicable", "could not be computed"]
SCORERS = ("synthetic", "human", "model")
BANDS = {"pipeline": (0.25, 0.45), "agentic": (0.15, 0.25)}
NO_BASELINE = "the log is too young: the baseline is its first eight complete weeks with 20 briefs, four weeks later"


@dataclass(frozen=True)
class OperatingMetric:
    """One metric as people read it. `value` with `low, high` (90 %) is that of the newest period.

    `state` other than measured has no value, and `reason` says what is missing. `ratio` compares the newest period with
    the baseline at the baseline's mix of task kinds; `progress` judges it against the `target` ratio. `trend` compares
    the newest period with the one before.
    """

    metric: str
    unit: str
    definition: str
    state: RowState
    reason: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    first_day: date | None = None
    last_day: date | None = None
    baseline: float | None = None
    baseline_low: float | None = None
    baseline_high: float | None = None
    baseline_n: int | None = None
    baseline_first_day: date | None = None
    baseline_last_day: date | None = None
    baseline_sha256: str | None = None
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    raw_ratio: float | None = None
    mix_covered: float | None = None
    target: float | None = None
    progress: str | None = None
    n_needed: int | None = None
    trend: str | None = None


@dataclass(frozen=True)
class ContentLog:
    """What a run knows of content work, one frame per mart.

    `pieces`: marts.content_life with `cost` (report currency, people's time included where an hourly rate is set).
    `patterns`: pattern_id, closed_at, ended_at, ending. `scores`: marts.content_score. `weeks`: marts.operating_week.
    """

    pieces: pl.DataFrame
    patterns: pl.DataFrame
    scores: pl.DataFrame
    weeks: pl.DataFrame


def operating_metrics(
    log: ContentLog,
    *,
    as_of: date,
    seed: int,
    band: Literal["pipeline", "agentic"] = "pipeline",
    targets: tuple[float, float] = (0.6, 1.25),
    spec: PeriodSpec | None = None,
) -> tuple[tuple[OperatingMetric, ...], tuple[Warning, ...]]:
    """All metrics as of the end of `as_of`, and what may be wrong with them.

    `targets` are ratios to the baseline: cycle time and first hits. Ranges come from resampling with `seed`.
    """
    spec = spec or PeriodSpec()
    briefed = log.pieces.filter(pl.col("briefed_at").is_not_null())
    baseline = baseline_of(briefed["briefed_at"], as_of, spec)
    digest = _digest(briefed, baseline)
    rows = [
        _row(log.pieces, measure, baseline, as_of, spec, seed, digest) for measure in measures(BANDS[band], *targets)
    ]
    rows += [
        _learning_speed(log.patterns, as_of, spec, seed),
        *(_from_weeks(log.weeks, name, as_of) for name in WEEKLY),
        _constant_quality(log.pieces),
        *(_score(log.scores, scorer) for scorer in SCORERS),
    ]
    return tuple(rows), tuple(_warnings(log))


def _row(
    pieces: pl.DataFrame,
    measure: Measure,
    baseline: Window | None,
    as_of: date,
    spec: PeriodSpec,
    seed: int,
    digest: str | None,
) -> OperatingMetric:
    newest = newest_of(measure, as_of)
    now = estimate(pieces, measure, newest, spec, seed)
    row = _standing(measure, now)
    if now.state != "measured":
        return row
    then = estimate(pieces, measure, baseline, spec, seed, why_none=NO_BASELINE)
    against = change(pieces, measure, baseline, newest, spec, seed)
    before = Window(newest.start - (newest.end - newest.start), newest.start, newest.seen)
    recent = change(pieces, measure, before, newest, spec, seed)
    row = replace(row, trend=_trend(recent), target=measure.target)
    if then.state != "measured" or baseline is None:
        return replace(row, reason=f"no baseline: {then.reason}", progress="too few" if measure.target else None)
    return replace(
        row,
        baseline=then.value,
        baseline_low=then.low,
        baseline_high=then.high,
        baseline_n=then.n,
        baseline_first_day=baseline.start,
        baseline_last_day=baseline.end - timedelta(days=1),
        baseline_sha256=digest,
        ratio=against.ratio,
        ratio_low=against.low,
        ratio_high=against.high,
        raw_ratio=against.raw_ratio,
        mix_covered=against.covered,
        progress=against.state if against.ratio is not None or measure.target else None,
        n_needed=against.n_needed,
    )


def _standing(measure: Measure, now: Estimate) -> OperatingMetric:
    window = now.window
    return OperatingMetric(
        measure.name,
        measure.unit,
        measure.definition,
        now.state,
        now.reason,
        now.value,
        now.low,
        now.high,
        now.n,
        window.start if window else None,
        window.end - timedelta(days=1) if window else None,
    )


def _trend(recent: Change) -> str:
    """The newest period against the one before, in words."""
    if recent.ratio is None or recent.low is None or recent.high is None:
        return "too few"
    return "rising" if recent.low > 1 else "falling" if recent.high < 1 else "no change shown"


def _learning_speed(patterns: pl.DataFrame, as_of: date, spec: PeriodSpec, seed: int) -> OperatingMetric:
    """Days from closed evidence to the first use of a promoted pattern, over the whole log."""
    measure = replace(
        measures(BANDS["pipeline"])[0],
        name="learning_speed",
        definition="Median days from closed evidence to the first use of a promoted pattern (Aalen-Johansen): unused"
        " patterns are censored, retirement before use competes. The whole log.",
        target=None,
        weeks=5200,
    )
    if patterns.is_empty():
        reason = "no pattern was promoted: no evidence_closed and pattern_promoted in content_events"
        return OperatingMetric(measure.name, measure.unit, measure.definition, "not applicable", reason)
    as_pieces = patterns.rename({"pattern_id": "content_id", "closed_at": "briefed_at"}).with_columns(
        pl.col("content_id").alias("brief_id"), pl.lit("pattern").alias("task_kind")
    )
    window = newest_of(measure, as_of)
    first = as_pieces["briefed_at"].dt.date().min()
    window = replace(window, end=as_of + timedelta(days=1))
    row = _standing(measure, estimate(as_pieces, measure, window, spec, seed))
    return replace(row, first_day=first if isinstance(first, date) else None)


WEEKLY: dict[str, tuple[str, str, int, str]] = {
    "delegable_share": (
        "share",
        "Share of logged minutes on kinds of task with at least 20 decided agent pieces, a lower Wilson bound of their"
        " first hits of .90 or more and no critical incident in 90 days; as known in the newest week.",
        1,
        "human_minutes in content_events",
    ),
    "published_per_person": (
        "pieces per week",
        "Published pieces per week and person who acts in the log, newest 13 weeks. People are not full-time"
        " equivalents, and a number of pieces is no worth: read it beside value_per_person.",
        13,
        "actor_id of people in content_events",
    ),
    "value_per_person": (
        "money per week",
        "Value of results per week and person who acts in the log, newest 13 weeks.",
        13,
        "value in the payload of outcome_closed",
    ),
}


def _from_weeks(weeks: pl.DataFrame, name: str, as_of: date) -> OperatingMetric:
    """A metric that is a ratio of weekly sums, without a range: it is counted, not estimated."""
    unit, definition, length, needs = WEEKLY[name]
    rows = weeks.filter((pl.col("metric") == name) & (pl.col("week") <= as_of)).sort("week").tail(length)
    if rows.is_empty():
        return OperatingMetric(name, unit, definition, "not measured", f"no column {needs}")
    top, bottom = float(rows["numerator"].sum()), float(rows["denominator"].sum())
    first, last = rows["week"][0], rows["week"][-1] + timedelta(days=6)
    return OperatingMetric(
        name, unit, definition, "measured", "", top / bottom, None, None, rows.height, first, min(last, as_of)
    )


def _constant_quality(pieces: pl.DataFrame) -> OperatingMetric:
    name, unit = "delegable_share_at_constant_quality", "share"
    definition = (
        "Share of logged minutes on kinds of task in which agents' pieces are not worse than people's by more than 5"
        " points, in first hits and in corrections after publication (90 %), compared kind by kind over the whole log."
    )
    if "human_minutes" not in pieces.columns or pieces["human_minutes"].null_count() == pieces.height:
        return OperatingMetric(name, unit, definition, "not measured", "no column human_minutes in content_events")
    compared = comparisons(pieces)
    share = share_at_constant_quality(pieces, compared)
    if share is None:
        reason = f"no kind of task has {FEWEST_PIECES} decided pieces both by agents and by people"
        return OperatingMetric(name, unit, definition, "could not be computed", reason)
    unknown = [kind.task_kind for kind in compared if kind.holds is None]
    reason = f"counted as not delegable because quality cannot be compared: {', '.join(unknown)}" if unknown else ""
    return OperatingMetric(name, unit, definition, "measured", reason, share, n=pieces.height)


def _score(scores: pl.DataFrame, scorer: str) -> OperatingMetric:
    name = f"prelaunch_score_{scorer}"
    definition = (
        "Correlation of the score before launch with the live result between variants of one brief, corrected for the"
        " noise of both. Variants that the score kept from going live are not in it."
    )
    rows = scores.filter(pl.col("scorer") == scorer) if scores.height else scores
    if rows.is_empty():
        reason = f"no event scored with scorer {scorer} in content_events"
        return OperatingMetric(name, "correlation", definition, "not measured", reason)
    found: ScoreAgreement = agreement(scorer, rows.filter(pl.col("variant").is_not_null()))
    reason = found.reason
    if found.raw is not None:
        reason = f"uncorrected {found.raw:.2f}" + (f"; {reason}" if reason else "")
    return OperatingMetric(
        name, "correlation", definition, found.state, reason, found.rho, found.low, found.high, found.n
    )


def _digest(pieces: pl.DataFrame, baseline: Window | None) -> str | None:
    """Names what the baseline was computed from, so that a later delivery that changes it is noticed."""
    if baseline is None:
        return None
    cycle_time = measures(BANDS["pipeline"])[0]
    seen = as_seen(pieces, baseline, cycle_time).select("content_id", "briefed_at", "ending", "days").sort("content_id")
    return hashlib.sha256(seen.write_csv().encode()).hexdigest()


def _warnings(log: ContentLog) -> list[Warning]:
    found = []
    unpriced = int(log.pieces["unpriced"].sum()) if "unpriced" in log.pieces.columns else 0
    if unpriced:
        found.append(
            Warning(
                "content_cost_unpriced",
                "medium",
                "content",
                f"{unpriced} costs of content have no exchange rate or currency and are left out, so cost"
                " per piece is too low.",
                "Give model_cost a currency in content_events; land missing rates as fx_rates in landing/context.",
            )
        )
    backwards = log.pieces.filter(pl.col("ended_at") < pl.col("briefed_at")).height
    if backwards:
        found.append(
            Warning(
                "content_ended_before_brief",
                "low",
                "content",
                f"{backwards} pieces ended before their brief, so they have no cycle time and are left out.",
                "Correct the times of brief_created and published in content_events (marts.content_life lists them).",
            )
        )
    late = int(log.scores["refused"].sum()) if log.scores.height else 0
    if late:
        found.append(
            Warning(
                "score_after_launch",
                "low",
                "content",
                f"{late} scores are dated after the launch of their variant: they forecast nothing and are not used.",
                "Log a score (event type scored) with the time at which it was given.",
            )
        )
    return found
