"""`python -m benchmarks.operations`: each operating metric beside its truth, on simulated content logs."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl

from benchmarks.operations.content_logs import START, LogSpec, content_log, true_first_hits, true_median
from models.operations.measures import Measure, measures
from models.operations.periods import Change, PeriodSpec, Window, change, estimate
from models.operations.prelaunch_scores import agreement

MEASURES = {measure.name: measure for measure in measures((0.25, 0.45))}
KINDS = (("post", 0.6, 0.7, 0.65), ("film", 0.4, 1.6, 0.4))
LOGS = {
    "steady": LogSpec(),
    "growing 5 % a day": LogSpec(growth=0.05),
    "64 % killed": LogSpec(kill_share=0.64),
    "64 % killed, growing": LogSpec(kill_share=0.64, growth=0.05),
    "two kinds, 30 % killed": LogSpec(kinds=KINDS, kill_share=0.3),
    "three variants a brief": LogSpec(variants=3, per_day=1.2, brief_sd=0.5, kill_share=0.3),
    "one event in ten lost": LogSpec(kill_share=0.3),
}
EASY, EASIER = (("post", 0.3, 0.6, 0.65), ("film", 0.7, 1.6, 0.4)), (("post", 0.6, 0.6, 0.65), ("film", 0.4, 1.6, 0.4))


def window(start: date, days: int, follow_up: int = 0) -> Window:
    """Days from `start`, seen `follow_up` days after they end."""
    end = start + timedelta(days=days)
    return Window(start, end, datetime.combine(end + timedelta(days=follow_up), time()))


def coverage(runs: int) -> Iterator[str]:
    """Mean and coverage per log and metric; the naive form beside them."""
    yield "| log (90 days) | metric | truth | mean | coverage of 90 % | naive |\n|---|---|---|---|---|---|"
    spec = PeriodSpec(replicates=200)
    for name, log in LOGS.items():
        truth = {"cycle_time": true_median(log), "first_hit_rate": true_first_hits(log), "kill_rate": log.kill_share}
        found: dict[str, list[tuple[float, bool]]] = {metric: [] for metric in truth}
        naive: dict[str, list[float]] = {metric: [] for metric in truth}
        for run in range(runs):
            rng = np.random.default_rng([run, 3])
            pieces = content_log(log, rng)
            if "lost" in name:  # a piece whose brief was not logged has no cycle time; it is left out, not guessed
                pieces = pieces.filter(pl.Series(rng.random(pieces.height) >= 0.1))
            for metric, true in truth.items():
                one = estimate(pieces, MEASURES[metric], window(START, 90), spec, run)
                if one.value is not None and one.low is not None and one.high is not None:
                    found[metric].append((one.value, one.low - 1e-9 <= true <= one.high + 1e-9))
                naive[metric].append(_naive(pieces, metric))
        for metric, true in truth.items():
            values, covered = np.array(found[metric]).T
            yield (
                f"| {name} | {metric} | {true:.3f} | {values.mean():.3f} | {covered.mean():.3f} |"
                f" {np.nanmean(naive[metric]):.3f} |"
            )


def _naive(pieces: pl.DataFrame, metric: str) -> float:
    """What a spreadsheet would say: of the pieces that are finished."""
    if metric == "cycle_time":
        out = pieces.filter(pl.col("ending") == "published")
        days = ((out["ended_at"] - out["briefed_at"]).dt.total_seconds() / 86_400).median()
        return float(days) if isinstance(days, float) else float("nan")
    if metric == "kill_rate":
        return float((pieces.filter(pl.col("ending") != "open")["ending"] == "killed").sum()) / max(
            pieces.filter(pl.col("ending") != "open").height, 1
        )
    finished = pieces.filter((pl.col("ending") == "published") & pl.col("is_first_hit").is_not_null())
    return float(finished["is_first_hit"].cast(pl.Float64).sum()) / max(finished.height, 1)


def states(runs: int) -> Iterator[str]:
    """How often a planted change is seen, and none is taken for one."""
    yield "| planted | pieces per period | reached or moving | ratio at equal mix | raw ratio |\n|---|---|---|---|---|"
    cycle = MEASURES["cycle_time"]
    small = LogSpec(days=84, per_day=60 / 56)
    large = replace(small, per_day=120 / 56, kinds=EASY)
    cases = (
        ("-40 %", small, replace(small, median=5.4), 30),
        ("none", small, small, 30),
        ("none, 30 % killed", replace(small, kill_share=0.3), replace(small, kill_share=0.3), 30),
        ("easy kinds doubled", large, replace(large, kinds=EASIER), 110),
    )
    for name, before, after, pieces in cases:
        found = [_compared(before, after, pieces, run, cycle) for run in range(runs)]
        seen = Counter(one.state for one in found)
        ratio = np.exp(np.mean([np.log(one.ratio) for one in found if one.ratio]))
        raw = np.exp(np.mean([np.log(one.raw_ratio) for one in found if one.raw_ratio]))
        moved = seen["moving"] + seen["reached"]
        yield f"| {name} | {pieces} | {moved / runs:.3f} | {ratio:.3f} | {raw:.3f} |"


def _compared(before: LogSpec, after: LogSpec, n: int, run: int, measure: Measure) -> Change:
    rng, later = np.random.default_rng([run, 5]), START + timedelta(days=112)
    first, second = _exactly(before, n, START, rng), _exactly(after, n, later, rng)
    pieces = pl.concat([first.with_columns(pl.format("x{}", "brief_id").alias("brief_id")), second])
    return change(pieces, measure, window(START, 56, 28), window(later, 56, 28), PeriodSpec(replicates=200), run)


def _exactly(log: LogSpec, n: int, start: date, rng: np.random.Generator) -> pl.DataFrame:
    pieces = content_log(log, rng, start=start)
    end = datetime.combine(start + timedelta(days=56), time())
    return pieces.filter(pl.col("briefed_at") < end).head(n)


def scores(runs: int) -> Iterator[str]:
    """Corrected correlation of pre-launch scores with results whose true one is .6."""
    yield "| comparisons | true rho | raw | corrected, median | coverage of 90 % | refused |\n|---|---|---|---|---|---|"
    for briefs, reliability in ((30, 0.5), (60, 0.5), (30, 0.2)):
        found = [agreement("model", _scored(briefs, reliability, np.random.default_rng([r, 9]))) for r in range(runs)]
        told = [one for one in found if one.state == "measured"]
        covered = np.mean([one.low <= 0.6 <= one.high for one in told if one.low is not None and one.high is not None])
        raw, rho = (float(np.median([getattr(one, key) for one in told])) for key in ("raw", "rho"))
        size, refused = f"{2 * briefs} (reliability {reliability})", f"{len(found) - len(told)} of {runs}"
        yield f"| {size} | 0.600 | {raw:.3f} | {rho:.3f} | {covered:.3f} | {refused} |"


def _scored(briefs: int, reliability: float, rng: np.random.Generator) -> pl.DataFrame:
    brief = np.repeat(np.arange(briefs), 3)
    taste, noise, se = rng.normal(size=brief.size), np.sqrt(1 / 0.7 - 1), np.sqrt(1 / reliability - 1)
    effect = 0.6 * taste + 0.8 * rng.normal(size=brief.size)
    return pl.DataFrame(
        {
            "brief": [f"b{i}" for i in brief],
            "variant": [f"v{i}" for i in range(brief.size)],
            "score": taste + noise * rng.normal(size=brief.size),
            "second_score": taste + noise * rng.normal(size=brief.size),
            "live": effect + se * rng.normal(size=brief.size) + rng.normal(0, 2, briefs)[brief],
            "live_se": np.full(brief.size, se),
        }
    )


def main() -> None:
    """Prints the three tables; `--runs` simulated logs per row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=400)
    runs = parser.parse_args().runs
    for table in (coverage, states, scores):
        for line in table(runs):
            print(line, flush=True)
        print()


if __name__ == "__main__":
    main()
