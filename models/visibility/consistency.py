"""How much an engine's answers vary between repeats: the noise floor below which a change means nothing."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import polars as pl

from models.visibility.panel import ANSWERED, NO_SEARCH

SETS = {"brands": "brands named", "cited": "domains cited"}


def stability(answers: pl.DataFrame) -> pl.DataFrame:
    """Agreement of repeated answers to the same question, per engine, surface and kind of set.

    `answers` as in `metrics` (captured ones count). Returned: engine, surface, of (brands named, domains cited),
    same_day, same_day_pairs, cross_day, cross_day_pairs (mean pairwise Jaccard; pairs with an empty side are left
    out), drift = 1 - cross_day / same_day: the variation that days add to re-runs, null without pairs of both kinds.
    Published "citation drift" is mostly re-run variation. It says nothing about which answer is right.
    """
    captured = answers.filter(pl.col("status").is_in((ANSWERED, NO_SEARCH)))
    rows: list[dict[str, Any]] = []
    for (engine, surface), part in captured.group_by(["engine", "surface"], maintain_order=True):
        for column, name in SETS.items():
            same, cross = _jaccards(part.filter(pl.col(column).list.len() > 0), column)
            row = {
                "engine": engine,
                "surface": surface,
                "of": name,
                "same_day": float(np.mean(same)) if same else None,
                "same_day_pairs": len(same),
                "cross_day": float(np.mean(cross)) if cross else None,
                "cross_day_pairs": len(cross),
            }
            both = row["same_day"] and row["cross_day"] is not None
            rows.append(row | {"drift": 1 - row["cross_day"] / row["same_day"] if both else None})
    schema = {
        "engine": pl.String,
        "surface": pl.String,
        "of": pl.String,
        "same_day": pl.Float64,
        "same_day_pairs": pl.Int64,
        "cross_day": pl.Float64,
        "cross_day_pairs": pl.Int64,
        "drift": pl.Float64,
    }
    return pl.DataFrame(rows, schema=schema).sort("engine", "surface", "of")


def _jaccards(part: pl.DataFrame, column: str) -> tuple[list[float], list[float]]:
    same: list[float] = []
    cross: list[float] = []
    for _, repeats in part.group_by("prompt_id", maintain_order=True):
        sets = [(day, set(items)) for day, items in repeats.select("day", column).iter_rows()]
        for (day_a, a), (day_b, b) in combinations(sets, 2):
            (same if day_a == day_b else cross).append(len(a & b) / len(a | b))
    return same, cross


def variance_shares(answers: pl.DataFrame, brand: str) -> pl.DataFrame:
    """Variance components of "names the brand" per engine and surface: question, day and re-run.

    Moments on 0/1 data: s2_run from pairs of the same question and day, s2_day from the excess of pairs across days,
    s2_prompt from the spread of question means; negatives count as 0. Returned: engine, surface, s2_prompt, s2_day,
    s2_run, noise_share (run / sum), icc (prompt / sum: what `metrics(icc=…)` takes), prompts. Null where no question
    has two answers; without same-day pairs, day and run cannot be separated and all of it counts as run.
    """
    captured = answers.filter(pl.col("status").is_in((ANSWERED, NO_SEARCH)))
    by_day = (
        captured.with_columns(y=pl.col("brands").list.contains(brand).fill_null(False).cast(pl.Float64))
        .group_by("engine", "surface", "prompt_id", "day")
        .agg(k=pl.col("y").sum(), n=pl.len().cast(pl.Float64))
    )
    names = ("s2_prompt", "s2_day", "s2_run", "noise_share", "icc")
    schema: dict[str, Any] = {"engine": pl.String, "surface": pl.String, **dict.fromkeys(names, pl.Float64)}
    rows = []
    for (engine, surface), part in by_day.group_by(["engine", "surface"], maintain_order=True):
        rows.append({"engine": engine, "surface": surface, **_components(part)})
    return pl.DataFrame(rows, schema=schema | {"prompts": pl.Int64}).sort("engine", "surface")


def _components(by_day: pl.DataFrame) -> dict[str, float | int | None]:
    """Of one engine, from one row per question and day: hits k among n answers.

    Among n answers with k hits, k (n - k) of the n (n - 1) / 2 pairs differ, and a pair that differs adds 1/2.
    """
    differ, pairs = pl.col("k") * (pl.col("n") - pl.col("k")), pl.col("n") * (pl.col("n") - 1) / 2
    prompts = (
        by_day.sort("prompt_id", "day")
        .group_by("prompt_id", maintain_order=True)
        .agg(
            pl.col("k", "n").sum(),
            same=differ.sum(),
            same_pairs=pairs.sum(),
            on_day=(pl.col("n") ** 2).sum() / pl.col("n").sum() ** 2,
        )
        .with_columns(cross=differ - pl.col("same"), cross_pairs=pairs - pl.col("same_pairs"))
    )
    same, same_pairs, cross, cross_pairs = prompts.select(
        pl.col("same", "same_pairs", "cross", "cross_pairs").sum()
    ).row(0)
    repeated = prompts.filter(pl.col("n") > 1)
    empty = dict.fromkeys(("s2_prompt", "s2_day", "s2_run", "noise_share", "icc"))
    if repeated.height < 2:
        return {"prompts": repeated.height, **empty}
    of_cross = cross / cross_pairs / 2 if cross_pairs else 0.0
    run = same / same_pairs / 2 if same_pairs else of_cross
    day = max(0.0, of_cross - run) if same_pairs and cross_pairs else 0.0
    # A question's mean contains the noise of its days and answers; the remainder is the question's own variance.
    shares, inverse = repeated["on_day"].to_numpy(), 1 / repeated["n"].to_numpy()
    carried = day * float(np.mean(shares)) + run * float(np.mean(inverse))
    means = (repeated["k"] / repeated["n"]).to_numpy()
    prompt = max(0.0, float(np.var(means, ddof=1)) - carried)
    total = prompt + day + run
    noise_share, icc = (run / total, prompt / total) if total > 0 else (None, None)
    return {
        "s2_prompt": prompt,
        "s2_day": day,
        "s2_run": run,
        "noise_share": noise_share,
        "icc": icc,
        "prompts": repeated.height,
    }
