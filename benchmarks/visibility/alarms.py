"""False alarms and power of the verdict on change, beside the pooled test and "moved by more than five points"."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import polars as pl

from benchmarks.visibility.coverage import chances
from models.visibility import Panel, change
from models.visibility.intervals import wilson

FIRST, NOW = date(2026, 10, 5), date(2026, 11, 2)
ENGINES = ("a", "b", "c", "d")
LEVEL = 0.90


def panel(prompts: int) -> Panel:
    """Our brand and one rival, without topics."""
    brands = {"brand": ["Own", "Rival"], "kind": ["own", "competitor"], "domains": [["own.example"], []]}
    return Panel(pl.DataFrame({"prompt_id": [f"q{i}" for i in range(prompts)]}), pl.DataFrame(brands))


def answers(
    own: dict[str, np.ndarray], rival: np.ndarray, start: date, weeks: int, runs: int, rng: np.random.Generator
) -> pl.DataFrame:
    """Answers of every engine to every question, `runs` a week; an own citation is as likely as an own mention."""
    parts = []
    for engine, chance in own.items():
        prompts = len(chance)
        shape = (prompts, weeks, runs)
        named = rng.random(shape) < chance[:, None, None]
        other = rng.random(shape) < rival[:, None, None]
        cited = rng.random(shape) < chance[:, None, None]
        q, w, r = (index.ravel() for index in np.indices(shape))
        parts.append(
            pl.DataFrame(
                {
                    "engine": engine,
                    "surface": "api",
                    "status": "answered",
                    "model_family": "m",
                    "prompt_id": [f"q{i}" for i in q],
                    "replicate": r,
                    "week": [start + timedelta(weeks=int(i)) for i in w],
                    "day": [start + timedelta(weeks=int(i), days=int(j) % 5) for i, j in zip(w, r, strict=True)],
                    "brands": [
                        [b for b, yes in (("Own", a), ("Rival", o)) if yes]
                        for a, o in zip(named.ravel(), other.ravel(), strict=True)
                    ],
                    "cited": [["own.example" if yes else "news.example"] for yes in cited.ravel()],
                }
            )
        )
    return pl.concat(parts).with_columns(pl.col("replicate").cast(pl.Int64))


def rows(icc: float, worlds: int, seed: int, prompts: int = 50) -> Iterator[dict[str, float]]:
    """Per number of runs: share of weeks with a false alarm, and with a true change of ten points found.

    Four engines, three metrics and their mean: one family of verdicts per week. `any_*` is the share of worlds with at
    least one alarm on mentions; `found_*` that of worlds in which one engine's mention rate is called up. Pooled: 90 %
    Wilson ranges that do not overlap. Five points: the raw difference of the rates.
    """
    for runs in (1, 3, 5):
        rng = np.random.default_rng(seed + runs)
        tally = dict.fromkeys(("any_ours", "any_pooled", "any_five", "found_ours", "found_pooled", "found_five"), 0)
        for world in range(worlds):
            base = {e: chances(0.35, icc, prompts, rng) for e in ENGINES}
            rival = chances(0.35, icc, prompts, rng)
            # Ten points more on average, where a question still has room for them.
            up = {e: p + 0.10 * (1 - p) / (1 - p.mean()) for e, p in base.items()}
            before = answers(base, rival, FIRST, 4, runs, rng)
            for name, truth in (("any", base), ("found", up)):
                after = answers(truth, rival, NOW, 1, runs, rng)
                verdicts = change(before, after, panel(prompts), seed=world)
                if name == "any":
                    tally["any_ours"] += bool(verdicts["verdict"].str.starts_with("moved").any())
                else:
                    mention = (pl.col("engine") == "a") & (pl.col("metric") == "mention_rate")
                    tally["found_ours"] += verdicts.filter(mention)["verdict"].item() == "moved_up"
                pooled, five = _naive(before, after)
                tally[f"{name}_pooled"] += any(pooled.values()) if name == "any" else pooled["a"]
                tally[f"{name}_five"] += any(five.values()) if name == "any" else five["a"]
        yield {"runs": runs} | {name: count / worlds for name, count in tally.items()}


def _naive(before: pl.DataFrame, after: pl.DataFrame) -> tuple[dict[str, bool], dict[str, bool]]:
    pooled, five = {}, {}
    for engine in ENGINES:
        (m, n), (m2, n2) = (
            f.filter(pl.col("engine") == engine).select(pl.col("brands").list.contains("Own").mean(), pl.len()).row(0)
            for f in (before, after)
        )
        (low, high), (low2, high2) = wilson(m, n, LEVEL), wilson(m2, n2, LEVEL)
        pooled[engine], five[engine] = low2 > high or high2 < low, abs(m2 - m) > 0.05
    return pooled, five
