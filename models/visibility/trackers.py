"""Rates as paid trackers report them, with a range where they tell counts, and where two of them disagree by more."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import norm

from models.multiple_testing import benjamini_hochberg
from models.visibility.intervals import ASSUMED_ICC, wilson

OURS = "plumbline"
# Without prompt ids: one answer a day to each question, which is how most trackers ask.
ASSUMED_RUNS = 7.0
SMALLEST, FALSE_DISCOVERY_RATE = 0.02, 0.10
_ENGINES = {
    "openai": ("openai", "gpt"),
    "anthropic": ("anthropic", "claude"),
    "google_ai_mode": ("ai-mode", "ai_mode", "ai mode"),
    "google_ai_overview": ("overview",),
    "gemini": ("gemini",),
    "perplexity": ("perplexity", "sonar"),
    "copilot": ("copilot",),
    "xai": ("grok", "xai"),
}


def engine_of(name: str) -> str:
    """The engine behind a vendor's model name (`chatgpt-scraper` is openai); the name itself where it is not known."""
    lowered = name.strip().lower()
    return next((engine for engine, words in _ENGINES.items() if any(word in lowered for word in words)), lowered)


def tracker_rates(rows: pl.DataFrame, *, level: float = 0.90) -> pl.DataFrame:
    """Rates per tracker, week, engine, surface, brand and measure, as the vendor counts them.

    `rows`: tracker, day, engine, surface, brand, prompt_id, measure, numerator, denominator, value.
    With counts the range is Wilson's on the answers over their design effect 1 + (answers / questions - 1) * .45; the
    questions are the prompt ids, or a seventh of the answers where none are told. Without counts there is no range and
    the value is the plain mean. `tier` is at most directional, and exploratory without counts or prompt ids.
    """
    key = ["tracker", "week", "engine", "surface", "brand", "measure"]
    counted = pl.col("numerator").is_not_null() & (pl.col("denominator") > 0)
    groups = (
        rows.with_columns(
            week=pl.col("day").dt.truncate("1w"),
            engine=pl.col("engine").fill_null("").map_elements(engine_of, return_dtype=pl.String),
            surface=pl.col("surface").fill_null("import"),
        )
        .group_by(key)
        .agg(
            numerator=pl.col("numerator").filter(counted).sum(),
            denominator=pl.col("denominator").filter(counted).sum(),
            mean=pl.col("value").mean(),
            prompts=pl.col("prompt_id").drop_nulls().n_unique(),
        )
        .sort(key)
    )
    table: list[dict[str, Any]] = []
    for row in groups.iter_rows(named=True):
        n, told = row["denominator"], {name: row[name] for name in key}
        if not n:
            tier = "exploratory"
            table.append(told | {"value": row["mean"], "tier": tier})
            continue
        prompts = row["prompts"] or n / ASSUMED_RUNS
        effective = n / max(1.0, 1 + (n / prompts - 1) * ASSUMED_ICC)
        value = min(1.0, row["numerator"] / n)
        low, high = wilson(value, effective, level)
        tier = "directional" if row["prompts"] >= 50 else "exploratory"
        counts = {"numerator": row["numerator"], "denominator": n, "effective": effective}
        table.append(told | counts | {"value": value, "low": low, "high": high, "tier": tier})
    return pl.DataFrame([{name: row.get(name) for name in _RATES} for row in table], schema=_RATES)


def disagreements(rates: pl.DataFrame) -> pl.DataFrame:
    """Pairs of trackers on one week, engine, brand and measure: difference, and whether sampling explains it.

    `rates` as from `tracker_rates`; our own may stand among them under `plumbline`. verdict: beyond_sampling when the
    Benjamini-Hochberg q of a two-sample z test over all pairs is below .10 and the difference at least two points,
    else within_sampling; no_counts where a vendor tells none. `why` names what differs beside chance.
    """
    rows: list[dict[str, Any]] = []
    key = ["week", "engine", "brand", "measure"]
    matched = rates.with_columns(brand=pl.col("brand").str.to_lowercase()).sort(*key, "tracker", "surface")
    for group, part in matched.group_by(key, maintain_order=True):
        for one, two in combinations(part.iter_rows(named=True), 2):
            if one["tracker"] != two["tracker"]:
                rows.append(dict(zip(key, group, strict=True)) | _pair(one, two))
    tested = [row for row in rows if row["p"] is not None]
    for row, q in zip(tested, benjamini_hochberg([row["p"] for row in tested]), strict=True):
        beyond = q < FALSE_DISCOVERY_RATE and abs(row["difference"]) >= SMALLEST
        row |= {"q": q, "verdict": "beyond_sampling" if beyond else "within_sampling"}
    return pl.DataFrame([{name: row.get(name) for name in _PAIRS} for row in rows], schema=_PAIRS)


def _pair(one: dict[str, Any], two: dict[str, Any]) -> dict[str, Any]:
    reasons = []
    if one["surface"] != two["surface"]:
        reasons.append(f"asked on different surfaces ({one['surface']}, {two['surface']})")
    reasons.append("each tool asks its own questions and defines the event itself")
    if one["denominator"] and two["denominator"]:
        ratio = max(one["denominator"], two["denominator"]) / min(one["denominator"], two["denominator"])
        if ratio >= 2:
            reasons.append(f"one counts {ratio:.0f} times as many answers")
    named = {
        "tracker": one["tracker"],
        "other": two["tracker"],
        "surface": one["surface"],
        "other_surface": two["surface"],
        "value": one["value"],
        "other_value": two["value"],
        "why": "; ".join(reasons),
    }
    if one["value"] is None or two["value"] is None:
        return named | {"p": None, "verdict": "no_counts"}
    difference = two["value"] - one["value"]
    if not (one["effective"] and two["effective"]):
        return named | {"difference": difference, "p": None, "verdict": "no_counts"}
    n, m = one["effective"], two["effective"]
    pooled = (one["value"] * n + two["value"] * m) / (n + m)
    se = float(np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m)))
    p = float(2 * norm.sf(abs(difference) / se)) if se > 0 else 1.0
    return named | {"difference": difference, "p": p}


_RATES: dict[str, Any] = {
    "tracker": pl.String,
    "week": pl.Date,
    "engine": pl.String,
    "surface": pl.String,
    "brand": pl.String,
    "measure": pl.String,
    **dict.fromkeys(("numerator", "denominator", "effective", "value", "low", "high"), pl.Float64),
    "tier": pl.String,
}
_PAIRS: dict[str, Any] = {
    "week": pl.Date,
    "engine": pl.String,
    "brand": pl.String,
    "measure": pl.String,
    **dict.fromkeys(("tracker", "surface", "other", "other_surface"), pl.String),
    **dict.fromkeys(("value", "other_value", "difference", "p", "q"), pl.Float64),
    "verdict": pl.String,
    "why": pl.String,
}
