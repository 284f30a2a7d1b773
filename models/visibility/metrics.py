"""How often AI answers name and cite a brand, per week, engine and surface, each rate with honest ranges."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from models.visibility.intervals import ASSUMED_ICC, Rate, clopper_pearson, clustered_rate, clustered_ratio, wilson
from models.visibility.panel import ANSWERED, NO_SEARCH, Panel, checked

GROUP = ["week", "engine", "surface"]
EVERYONE = "all"
OVER_ENGINES = ("mention_rate", "first_named")
MIN_PROMPTS, FULL_PANEL, MIN_RUNS = 10, 50, 3

DEFINITIONS = {
    "mention_rate": "answers that name the brand / captured answers",
    "first_named": "answers that name the brand before any other / captured answers",
    "recall_rate": "answers that name the brand / captured answers, on prompts that contain its name",
    "citation_rate": "answers that cite an own domain / answers of an engine that searched and shows sources",
    "citation_rate_ok": "answers that cite an own domain / captured answers of an engine that shows sources",
    "citation_share": "own citations / all citations, in answers that searched and show sources",
    "share_of_voice": "mentions of the brand / mentions of all brands of the panel",
    "not_cited_others": "answers that searched and cited only others / planned answers that would show sources",
    "not_cited_no_search": "answers without a search / planned answers that would show sources",
    "not_cited_failed": "planned answers that were not captured / planned answers that would show sources",
    "grounding_rate": "answers with a search / captured answers",
    "capture_rate": "captured answers / planned answers",
    "false_mention": "answers that name a brand that does not exist / captured answers",
}


def metrics(
    answers: pl.DataFrame,
    panel: Panel,
    *,
    level: float = 0.90,
    icc: float = ASSUMED_ICC,
    aa_passed: bool | None = None,
) -> pl.DataFrame:
    """Rates and shares of what AI engines answered to the panel's questions; one row per GROUP, brand and metric.

    `answers`, one row per planned answer: week (date, a Monday), day (date), engine, surface, prompt_id (strings),
    replicate (integer), status (answered = searched and answered, no_search, failed, refused, empty, error, timeout,
    partial, not_scheduled), brands (list: panel brands named, in order of first mention), cited (list: registrable
    domain of each distinct cited page; [] = cited nobody, null = this surface shows no sources)[, model_family].
    Returned: week, engine, surface, brand, metric, value, low, high (category claim: new questions like these),
    panel_low, panel_high (these questions), level, n (answers), n_prompts, deff, se, category_se, noise_floor (a
    smaller difference between two such weeks is re-run noise), mde (smallest true change that a comparison with an
    equal week would find 4 times of 5), tier, definition. Engine "all" is the plain mean over engines of one surface,
    for mention-type metrics only: engines share brands, not sources. Missing captures are in no denominator but those
    that say "planned". Rates leave brand prompts out (`recall_rate` is about them). Raises ValueError for a wrong row.
    A share of answers is not a share of buyers.
    """
    rows = checked(answers, panel)
    found: list[dict[str, Any]] = []
    for (week, engine, surface), part in rows.group_by(GROUP, maintain_order=True):
        for brand, metric, rate in _of_engine(part, panel, level, icc):
            found.append(_row(week, engine, surface, brand, metric, rate, level, _tier(rate, part)))
    found += list(_over_engines(found, rows, level, aa_passed))
    if not found:
        return pl.DataFrame(schema=_SCHEMA)
    return pl.DataFrame(found, schema=_SCHEMA).sort(*GROUP, "brand", "metric")


_SCHEMA: dict[str, Any] = {
    "week": pl.Date, "engine": pl.String, "surface": pl.String, "brand": pl.String, "metric": pl.String,
    "value": pl.Float64, "low": pl.Float64, "high": pl.Float64, "panel_low": pl.Float64, "panel_high": pl.Float64,
    "level": pl.Float64, "n": pl.Int64, "n_prompts": pl.Int64, "deff": pl.Float64, "se": pl.Float64,
    "category_se": pl.Float64, "noise_floor": pl.Float64, "mde": pl.Float64, "tier": pl.String, "definition": pl.String,
}  # fmt: skip


def _of_engine(part: pl.DataFrame, panel: Panel, level: float, icc: float) -> Iterator[tuple[str, str, Rate]]:
    """brand, metric, rate for the answers of one week, engine and surface; nothing where nothing may be counted."""
    core = part.filter(~pl.col("branded"))
    captured = core.filter(pl.col("status").is_in((ANSWERED, NO_SEARCH)))
    # A failed capture has no list of sources; the surface shows them if any of its answers does.
    shows = bool(core["cited"].is_not_null().any())
    searched = captured.filter((pl.col("status") == ANSWERED) & pl.col("cited").is_not_null())
    recalled = part.filter(pl.col("branded") & pl.col("status").is_in((ANSWERED, NO_SEARCH)))

    def rate(frame: pl.DataFrame, event: pl.Expr) -> Rate | None:
        return _rate(frame, event, level, icc)

    ok = pl.col("status").is_in((ANSWERED, NO_SEARCH))
    everyone: list[tuple[str, Rate | None]] = [
        ("capture_rate", rate(core, ok)),
        ("grounding_rate", rate(captured, pl.col("status") == ANSWERED)),
    ]
    if shows:
        everyone += [
            ("not_cited_no_search", rate(core, pl.col("status") == NO_SEARCH)),
            ("not_cited_failed", rate(core, ~ok)),
        ]
    yield from ((EVERYONE, metric, r) for metric, r in everyone if r is not None)

    roster = panel.of_kind("own", "competitor")
    domains = dict(panel.brands.select("brand", "domains").iter_rows())
    for brand in roster:
        named = pl.col("brands").list.contains(brand).fill_null(False)
        first = (pl.col("brands").list.first() == brand).fill_null(False)
        mine = pl.col("cited").list.eval(pl.element().is_in(domains[brand] or [])).list.sum().fill_null(0)
        of_brand: list[tuple[str, Rate | None]] = [
            ("mention_rate", rate(captured, named)),
            ("first_named", rate(captured, first)),
            ("recall_rate", rate(recalled, named)),
        ]
        of_brand.append(("share_of_voice", _ratio(captured, named, _named_of(roster), level)))
        if shows and domains[brand]:
            showing = captured.filter(pl.col("cited").is_not_null() | (pl.col("status") == NO_SEARCH))
            others = (pl.col("status") == ANSWERED) & pl.col("cited").is_not_null() & (mine == 0)
            of_brand += [
                ("citation_rate", rate(searched, mine > 0)),
                ("citation_rate_ok", rate(showing, mine > 0)),
                ("not_cited_others", rate(core, others)),
                ("citation_share", _ratio(searched, mine, pl.col("cited").list.len(), level)),
            ]
        yield from ((brand, metric, r) for metric, r in of_brand if r is not None)
    for brand in panel.of_kind("fictitious"):
        hits = captured.filter(pl.col("brands").list.contains(brand).fill_null(False)).height
        if captured.height:
            low, high = clopper_pearson(hits, captured.height, level)
            prompts = captured["prompt_id"].n_unique()
            value = hits / captured.height
            yield brand, "false_mention", Rate(value, low, high, low, high, None, None, 1.0, captured.height, prompts)


def _named_of(roster: list[str]) -> pl.Expr:
    return pl.col("brands").list.eval(pl.element().is_in(roster)).list.sum().fill_null(0)


def _per_prompt(frame: pl.DataFrame, *aggregations: pl.Expr) -> pl.DataFrame:
    return frame.group_by("prompt_id").agg(
        pl.len().alias("n"), pl.col("weight").first(), pl.col("topic").first(), *aggregations
    ).sort("prompt_id")  # fmt: skip


def _rate(frame: pl.DataFrame, event: pl.Expr, level: float, icc: float) -> Rate | None:
    if not frame.height:
        return None
    p = _per_prompt(frame, event.cast(pl.Float64).sum().alias("hits"))
    return clustered_rate(
        p["hits"].to_numpy(), p["n"].to_numpy().astype(float), p["weight"].to_numpy(), p["topic"].to_numpy(),
        level=level, icc=icc,
    )  # fmt: skip


def _ratio(frame: pl.DataFrame, part: pl.Expr, whole: pl.Expr, level: float) -> Rate | None:
    frame = frame.with_columns(part=part.cast(pl.Float64), whole=whole.cast(pl.Float64))
    p = _per_prompt(frame, pl.col("part").mean(), pl.col("whole").mean())
    weighted = float((p["weight"] * p["whole"]).sum())
    if weighted <= 0:
        return None
    share = float((p["weight"] * p["part"]).sum()) / weighted
    spread = _per_prompt(frame, (pl.col("part") - share * pl.col("whole")).var().fill_null(0.0).alias("spread"))
    return clustered_ratio(
        p["part"].to_numpy(), p["whole"].to_numpy(), p["n"].to_numpy(), spread["spread"].to_numpy(),
        p["weight"].to_numpy(), p["topic"].to_numpy(), level=level,
    )  # fmt: skip


def _tier(rate: Rate, part: pl.DataFrame) -> str:
    """insufficient, exploratory or directional: one engine alone is never decision grade."""
    if rate.low is None or rate.n_prompts < MIN_PROMPTS:
        return "insufficient"
    runs = rate.n / rate.n_prompts
    return "exploratory" if rate.n_prompts < FULL_PANEL or runs < MIN_RUNS else "directional"


def _over_engines(
    found: list[dict[str, Any]], rows: pl.DataFrame, level: float, aa_passed: bool | None
) -> Iterator[dict[str, Any]]:
    """Mean over engines with equal weights, errors independent; only where two engines or more were asked."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for r in found:
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
        asked = rows.filter((pl.col("week") == week) & (pl.col("surface") == surface) & ~pl.col("branded"))
        worst = "insufficient" if "insufficient" in {r["tier"] for r in parts} else None
        tier = worst or _tier_over_engines(parts, asked, aa_passed)
        yield _row(week, EVERYONE, surface, brand, metric, rate, level, tier)


def _tier_over_engines(parts: list[dict[str, Any]], asked: pl.DataFrame, aa_passed: bool | None) -> str:
    if any(r["tier"] == "exploratory" for r in parts):
        return "exploratory"
    captured = asked["status"].is_in((ANSWERED, NO_SEARCH)).mean() or 0.0
    types = asked.group_by("type").agg(pl.col("prompt_id").n_unique().alias("prompts"))
    per_engine = asked.group_by("engine").agg(
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
    noise = None if rate.se is None else 1.96 * np.sqrt(2) * rate.se
    mde = None if rate.se is None else 2.8 * np.sqrt(2) * rate.se
    own = {k: getattr(rate, k) for k in ("value", "low", "high", "panel_low", "panel_high", "n", "n_prompts", "deff")}
    return own | {
        "week": week, "engine": engine, "surface": surface, "brand": brand, "metric": metric, "level": level,
        "se": rate.se, "category_se": rate.category_se, "noise_floor": noise, "mde": mde, "tier": tier,
        "definition": DEFINITIONS[metric],
    }  # fmt: skip
