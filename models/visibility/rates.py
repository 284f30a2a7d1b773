"""How often AI answers name and cite a brand, per week, engine and surface, with two ranges for each rate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from models.normal_quantile import half_width
from models.visibility.counts import DEFINITIONS, EVERYONE, GROUP, Share, definitions, per_question
from models.visibility.intervals import ASSUMED_ICC, Rate, clopper_pearson, clustered_rate, clustered_ratio, wilson
from models.visibility.panel import ANSWERED, NO_SEARCH, Panel, checked

OVER_ENGINES = ("mention_rate", "first_named")
MIN_PROMPTS, FULL_PANEL, MIN_RUNS = 10, 50, 3


def metrics(
    answers: pl.DataFrame,
    panel: Panel,
    *,
    level: float = 0.90,
    icc: float | Mapping[tuple[str, str], float] = ASSUMED_ICC,
    aa_passed: bool | Mapping[date, bool | None] | None = None,
) -> pl.DataFrame:
    """Rates and shares of what AI engines answered to the panel's questions; one row per GROUP, brand and metric.

    `answers`, one row per planned answer: week (date, a Monday), day (date), engine, surface, prompt_id (strings),
    replicate (integer), status (answered = searched and answered, no_search, failed, refused, empty, error, timeout,
    partial, not_scheduled), brands (list: panel brands named, in order of first mention), cited (list: registrable
    domain of each distinct cited page; [] = cited no page, null = this surface shows no sources)[, model_family].
    Returned: week, engine, surface, brand, metric, value, low, high (category claim: new questions like these),
    panel_low, panel_high (these questions), level, n (answers), n_prompts, deff, se, category_se, noise_floor (a
    smaller difference between two such weeks is re-run noise), mde (smallest true change that a comparison with an
    equal week would detect with 80 % power), tier, definition. Engine "all" is the plain mean over engines of one
    surface, for mention-type metrics only: engines share brands, not sources. Missing captures are in no denominator
    but those that say "planned". Rates leave brand prompts out (`recall_rate` is about them). `icc`: how much answers
    to one question resemble each other, one figure or one per engine and surface (then used for mentions only;
    everything else keeps the assumed one). `aa_passed`: the same-hour control, one result or one per week. Raises
    ValueError for a wrong row. A share of answers is not a share of buyers.
    """
    captures = checked(answers, panel)
    metric_definitions = definitions(panel)
    rows: list[dict[str, Any]] = []
    for (week, engine, surface), questions in per_question(captures, metric_definitions).group_by(
        GROUP, maintain_order=True
    ):
        columns = {name: questions[name].to_numpy() for name in questions.columns if name not in GROUP}
        for i, d in enumerate(metric_definitions):
            measured = _icc(icc, d.metric, str(engine), str(surface))
            rate = _share(columns, i, d, level, measured) if isinstance(d, Share) else _ratio(columns, i, level)
            if rate is not None:
                rows.append(_row(week, engine, surface, d.brand, d.metric, rate, level, _tier(rate)))
    rows += list(_over_engines(rows, captures, level, aa_passed))
    if not rows:
        return pl.DataFrame(schema=_SCHEMA)
    return pl.DataFrame(rows, schema=_SCHEMA).sort(*GROUP, "brand", "metric")


_SCHEMA: dict[str, Any] = {
    "week": pl.Date,
    "engine": pl.String,
    "surface": pl.String,
    "brand": pl.String,
    "metric": pl.String,
    "value": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "panel_low": pl.Float64,
    "panel_high": pl.Float64,
    "level": pl.Float64,
    "n": pl.Int64,
    "n_prompts": pl.Int64,
    "deff": pl.Float64,
    "se": pl.Float64,
    "category_se": pl.Float64,
    "noise_floor": pl.Float64,
    "mde": pl.Float64,
    "tier": pl.String,
    "definition": pl.String,
}


def _icc(icc: float | Mapping[tuple[str, str], float], metric: str, engine: str, surface: str) -> float:
    if isinstance(icc, Mapping):
        return icc.get((engine, surface), ASSUMED_ICC) if metric in OVER_ENGINES else ASSUMED_ICC
    return icc


def _share(columns: dict[str, np.ndarray], i: int, definition: Share, level: float, icc: float) -> Rate | None:
    """The rate of definition i over questions with an answer to count, None without any."""
    n = columns[f"n{i}"].astype(float)
    answered = n > 0
    if not answered.any():
        return None
    hits, n = columns[f"k{i}"].astype(float)[answered], n[answered]
    if definition.metric == "false_mention":
        # An event that should never happen: exact bounds, because its estimated variance would be zero.
        k, total = int(hits.sum()), int(n.sum())
        low, high = clopper_pearson(k, total, level)
        return Rate(k / total, low, high, low, high, None, None, 1.0, total, len(n))
    return clustered_rate(hits, n, columns["weight"][answered], columns["topic"][answered], level=level, icc=icc)


def _ratio(columns: dict[str, np.ndarray], i: int, level: float) -> Rate | None:
    """The share of a total of definition i, None when the total is zero."""
    answered = columns[f"n{i}"] > 0
    n = columns[f"n{i}"].astype(float)[answered]
    a, b, aa, bb, ab = (columns[f"{name}{i}"][answered] for name in ("a", "b", "aa", "bb", "ab"))
    weight = columns["weight"][answered]
    if not len(n) or np.sum(weight * b / n) <= 0:
        return None
    share = np.sum(weight * a / n) / np.sum(weight * b / n)
    # Within-question variance of part - share * whole, from sums of squares and products.
    squares = aa - 2 * share * ab + share**2 * bb
    spread = np.maximum(squares - (a - share * b) ** 2 / n, 0.0) / np.maximum(n - 1, 1)
    return clustered_ratio(a / n, b / n, n, spread, weight, columns["topic"][answered], level=level)


def _tier(rate: Rate) -> str:
    """insufficient, exploratory or directional: one engine alone is never decision grade."""
    if rate.low is None or rate.n_prompts < MIN_PROMPTS:
        return "insufficient"
    runs = rate.n / rate.n_prompts
    return "exploratory" if rate.n_prompts < FULL_PANEL or runs < MIN_RUNS else "directional"


def _over_engines(
    rows: list[dict[str, Any]],
    captures: pl.DataFrame,
    level: float,
    aa_passed: bool | Mapping[date, bool | None] | None,
) -> Iterator[dict[str, Any]]:
    """Mean over engines with equal weights, errors independent; only where at least two engines were asked."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for r in rows:
        if r["metric"] in OVER_ENGINES and r["category_se"] is not None:
            groups.setdefault((r["week"], r["surface"], r["brand"], r["metric"]), []).append(r)
    for (week, surface, brand, metric), parts in groups.items():
        if len(parts) < 2:
            continue
        value = float(np.mean([r["value"] for r in parts]))

        def spread(column: str, parts: list[dict[str, Any]] = parts) -> float | None:
            values = [r[column] for r in parts]
            return None if None in values else float(np.sqrt(np.sum(np.square(values)))) / len(values)

        se, category_se = spread("se"), spread("category_se")
        n, prompts = sum(r["n"] for r in parts), min(r["n_prompts"] for r in parts)

        def around(error: float | None, value: float = value, n: int = n) -> tuple[float | None, float | None]:
            if error is None:
                return None, None
            return wilson(value, value * (1 - value) / error**2 if error > 0 and 0 < value < 1 else n, level)

        rate = Rate(value, *around(category_se), *around(se), se, category_se, None, n, prompts)
        planned = captures.filter((pl.col("week") == week) & (pl.col("surface") == surface) & ~pl.col("branded"))
        worst = "insufficient" if "insufficient" in {r["tier"] for r in parts} else None
        control = aa_passed.get(week) if isinstance(aa_passed, Mapping) else aa_passed
        tier = worst or _tier_over_engines(parts, planned, control)
        yield _row(week, EVERYONE, surface, brand, metric, rate, level, tier)


def _tier_over_engines(parts: list[dict[str, Any]], planned: pl.DataFrame, aa_passed: bool | None) -> str:
    if any(r["tier"] == "exploratory" for r in parts):
        return "exploratory"
    captured = planned["status"].is_in((ANSWERED, NO_SEARCH)).mean() or 0.0
    types = planned.group_by("type").agg(pl.col("prompt_id").n_unique().alias("prompts"))
    per_engine = planned.group_by("engine").agg(
        pl.col("model_family").n_unique().alias("families"), pl.col("day").n_unique().alias("days")
    )
    runs = min(r["n"] / r["n_prompts"] for r in parts)
    good = (
        len(parts) >= 3
        and runs >= 5
        and types.filter(pl.col("prompts") >= 8).height >= 5
        and float(captured) >= 0.95  # type: ignore[arg-type]  # polars' mean is typed for every dtype
        and per_engine.filter((pl.col("families") > 1) | (pl.col("days") < 4)).height == 0
        and aa_passed is True
    )
    return "decision_grade" if good else "directional"


def _row(
    week: Any, engine: Any, surface: Any, brand: str, metric: str, rate: Rate, level: float, tier: str
) -> dict[str, Any]:
    noise = None if rate.se is None else half_width(0.95) * np.sqrt(2) * rate.se
    mde = None if rate.se is None else 2.8 * np.sqrt(2) * rate.se
    own = {k: getattr(rate, k) for k in ("value", "low", "high", "panel_low", "panel_high", "n", "n_prompts", "deff")}
    return own | {
        "week": week,
        "engine": engine,
        "surface": surface,
        "brand": brand,
        "metric": metric,
        "level": level,
        "se": rate.se,
        "category_se": rate.category_se,
        "noise_floor": noise,
        "mde": mde,
        "tier": tier,
        "definition": DEFINITIONS[metric],
    }
