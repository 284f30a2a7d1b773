"""Did visibility change, or is the difference re-run noise? A paired comparison of the same questions."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from scipy.stats import t as student

from models.multiple_testing import benjamini_hochberg
from models.visibility.panel import ANSWERED, NO_SEARCH, Panel, checked

MIN_OVERLAP, MIN_CAPTURE, MAX_SWAPPED = 20, 0.90, 0.10
FEW_PROMPTS, RARE = 30, 0.05
METRICS = ("mention_rate", "first_named", "citation_rate")

_SCHEMA: dict[str, Any] = {
    "engine": pl.String,
    "surface": pl.String,
    "brand": pl.String,
    "metric": pl.String,
    "before": pl.Float64,
    "after": pl.Float64,
    "diff": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "p": pl.Float64,
    "q": pl.Float64,
    "mde": pl.Float64,
    "n_prompts": pl.Int64,
    "engine_shift": pl.Float64,
    "own_excess": pl.Float64,
    "excess_low": pl.Float64,
    "excess_high": pl.Float64,
    "verdict": pl.String,
    "reason": pl.String,
    "reading": pl.String,
}


def change(
    before: pl.DataFrame,
    after: pl.DataFrame,
    panel: Panel,
    *,
    seed: int,
    level: float = 0.90,
    false_discovery_rate: float = 0.10,
    smallest: float = 0.02,
    aa_passed: bool | None = None,
) -> pl.DataFrame:
    """Difference of own rates between two windows of answers (`before`: usually the four weeks before `after`).

    Frames as in `metrics`. Only questions asked in both windows count, each compared with itself (the panel claim).
    One row per engine, surface, own brand and metric (mention_rate, first_named, citation_rate). `verdict`: moved_up
    or moved_down when the Benjamini-Hochberg q over all rows is below `false_discovery_rate` and |diff| >= `smallest`;
    else within_noise, with the `mde` of this comparison; not_comparable with its `reason` when model, capture, panel
    or the same-hour control (`aa_passed` False) forbid a verdict. `own_excess` is the own difference minus the
    competitors'; when its range includes 0, the engine moved, not the brand. Rates are shares, not percentage points.
    With fewer than 30 questions or rates under 5 % p comes from sign flips (9,999, `seed`), else from a paired t.
    """
    early, late = (checked(f, panel).filter(~pl.col("branded")) for f in (before, after))
    rows: list[dict[str, Any]] = []
    groups = late.select("engine", "surface").unique().sort("engine", "surface")
    rng = np.random.default_rng(seed)
    for engine, surface in groups.iter_rows():
        here = (pl.col("engine") == engine) & (pl.col("surface") == surface)
        old, new = early.filter(here), late.filter(here)
        reason = "A/A check failed" if aa_passed is False else _not_comparable(old, new)
        for brand in panel.own:
            for metric in METRICS:
                row = _compare(old, new, panel, brand, metric, level, rng)
                if row is not None:
                    rows.append(row | {"engine": engine, "surface": surface, "reason": reason})
    rows = _with_q(rows)
    return pl.DataFrame([r | _verdict(r, false_discovery_rate, smallest) for r in rows], schema=_SCHEMA)


def _not_comparable(old: pl.DataFrame, new: pl.DataFrame) -> str | None:
    if not old.height:
        return "no answers before"
    for window, name in ((old, "before"), (new, "after")):
        captured = window.filter(pl.col("status").is_in((ANSWERED, NO_SEARCH))).height / window.height
        if captured < MIN_CAPTURE:
            return f"only {captured:.0%} of the answers captured {name}"
    families = set(old["model_family"].unique().to_list()) | set(new["model_family"].unique().to_list())
    if len(families) > 1:
        return "the engine's model changed: " + ", ".join(sorted(str(f) for f in families))
    asked_before, asked_after = set(old["prompt_id"].to_list()), set(new["prompt_id"].to_list())
    both, either = asked_before & asked_after, asked_before | asked_after
    if len(both) < MIN_OVERLAP:
        return f"only {len(both)} questions asked both times"
    swapped = 1 - len(both) / len(either)
    if swapped > MAX_SWAPPED:
        return f"{swapped:.0%} of the questions changed"
    return None


def _per_prompt(frame: pl.DataFrame, panel: Panel, brand: str, metric: str) -> pl.DataFrame:
    captured = frame.filter(pl.col("status").is_in((ANSWERED, NO_SEARCH)))
    if metric == "citation_rate":
        domains = panel.brands.filter(pl.col("brand") == brand)["domains"][0]
        mine = [] if domains is None else domains.to_list()
        captured = captured.filter((pl.col("status") == ANSWERED) & pl.col("cited").is_not_null())
        if not mine:
            captured = captured.clear()
        event = pl.col("cited").list.eval(pl.element().is_in(mine)).list.any()
    elif metric == "first_named":
        event = pl.col("brands").list.first() == brand
    else:
        event = pl.col("brands").list.contains(brand)
    return captured.group_by("prompt_id").agg(
        event.fill_null(False).cast(pl.Float64).mean().alias("m"),
        pl.len().alias("n"),
        pl.col("weight").first(),
    )


def _differences(old: pl.DataFrame, new: pl.DataFrame, panel: Panel, brand: str, metric: str) -> pl.DataFrame:
    pairs = _per_prompt(old, panel, brand, metric).join(
        _per_prompt(new, panel, brand, metric), on="prompt_id", suffix="_new"
    )
    return pairs.with_columns(d=pl.col("m_new") - pl.col("m")).sort("prompt_id")


def _compare(
    old: pl.DataFrame, new: pl.DataFrame, panel: Panel, brand: str, metric: str, level: float, rng: np.random.Generator
) -> dict[str, Any] | None:
    pairs = _differences(old, new, panel, brand, metric)
    if pairs.height < 2:
        return None
    d, w = pairs["d"].to_numpy(), pairs["weight"].to_numpy() / pairs["weight"].sum()
    diff, se, reach = _paired(d, w, level)
    rivals = [_differences(old, new, panel, k, metric) for k in panel.of_kind("competitor")]
    rivals = [r for r in rivals if r.height]
    row: dict[str, Any] = {
        "brand": brand,
        "metric": metric,
        "n_prompts": pairs.height,
        "diff": diff,
        "low": diff - reach,
        "high": diff + reach,
        "before": float(np.sum(w * pairs["m"].to_numpy())),
        "after": float(np.sum(w * pairs["m_new"].to_numpy())),
        "mde": 2.8 * se,
        "engine_shift": None,
        "own_excess": None,
        "excess_low": None,
        "excess_high": None,
    }
    rare = min(row["before"], row["after"]) < RARE
    row["p"] = _sign_flips(d, w, rng) if len(d) < FEW_PROMPTS or rare else _t_test(diff, se, len(d))
    if rivals:
        rival = pl.concat(rivals).group_by("prompt_id").agg(pl.col("d").mean().alias("rival"))
        both = pairs.join(rival, on="prompt_id").sort("prompt_id")
        wb = both["weight"].to_numpy() / both["weight"].sum()
        excess, _, reach = _paired((both["d"] - both["rival"]).to_numpy(), wb, level)
        shift = float(np.sum(wb * ((both["d"] + both["rival"] * len(rivals)) / (1 + len(rivals))).to_numpy()))
        row |= {
            "own_excess": excess,
            "excess_low": excess - reach,
            "excess_high": excess + reach,
            "engine_shift": shift,
        }
    return row


def _paired(d: np.ndarray, w: np.ndarray, level: float) -> tuple[float, float, float]:
    """(mean difference, standard error, half-width) of paired differences, one question = one draw."""
    diff, n = float(np.sum(w * d)), len(d)
    se = float(np.sqrt(n / (n - 1) * np.sum(w**2 * (d - diff) ** 2)))
    return diff, se, float(student.ppf(0.5 + level / 2, n - 1)) * se


def _t_test(diff: float, se: float, n: int) -> float:
    if se == 0:
        return 1.0 if diff == 0 else 0.0
    return float(2 * student.sf(abs(diff) / se, n - 1))


def _sign_flips(d: np.ndarray, w: np.ndarray, rng: np.random.Generator, draws: int = 9999) -> float:
    signs = rng.choice([-1.0, 1.0], size=(draws, len(d)))
    hits = int(np.sum(np.abs(signs @ (w * d)) >= abs(float(np.sum(w * d))) - 1e-12))
    return (hits + 1) / (draws + 1)


def _with_q(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Benjamini-Hochberg q over the comparable rows; the others carry none."""
    comparable = [position for position, row in enumerate(rows) if row["reason"] is None]
    q = dict(zip(comparable, benjamini_hochberg([rows[position]["p"] for position in comparable]), strict=True))
    return [row | {"q": q.get(position)} for position, row in enumerate(rows)]


def _verdict(row: dict[str, Any], q: float, smallest: float) -> dict[str, str]:
    points, mde = 100 * row["diff"], 100 * row["mde"]
    if row["reason"] is not None:
        return {"verdict": "not_comparable", "reading": f"No verdict: {row['reason']}."}
    if row["q"] >= q or abs(row["diff"]) < smallest:
        difference = f"The difference of {points:+.1f} points is within noise"
        return {
            "verdict": "within_noise",
            "reading": f"{difference}; a true change of {mde:.1f} points would have been detected with 80 % power.",
        }
    own = row["own_excess"] is None or row["excess_low"] > 0 or row["excess_high"] < 0
    who = "" if own else " The engine moved, not you: competitors moved in the same way."
    return {
        "verdict": "moved_up" if row["diff"] > 0 else "moved_down",
        "reading": f"Moved by {points:+.1f} points ({100 * row['low']:+.1f} to {100 * row['high']:+.1f}).{who}",
    }
