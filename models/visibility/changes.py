"""Did visibility change, or is the difference re-run noise? A paired comparison of the same questions."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from scipy.stats import t as student

from models.multiple_testing import benjamini_hochberg
from models.visibility.comparability import not_comparable, same_model
from models.visibility.counts import EVERYONE
from models.visibility.panel import ANSWERED, NO_SEARCH, Panel, checked

FEW_PROMPTS, RARE = 30, 0.05
# Sign flips reach p < .05 only when six questions move one way; 7.9 expected ones do so in 80 % of cases (Poisson).
MOVERS_NEEDED = 7.9
METRICS = ("mention_rate", "first_named", "citation_rate")
OVER_ENGINES = ("mention_rate", "first_named")

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
    One row per engine, surface, own brand and metric (mention_rate, first_named, citation_rate), and per surface with
    several engines one for engine "all" (each question's mean over the engines; never for citations, because engines
    share no sources). `verdict`: moved_up or moved_down when the Benjamini-Hochberg q over all rows is below
    `false_discovery_rate` and |diff| >= `smallest`; else within_noise, with the `mde`: the smallest true change that
    this comparison finds with 80 % power; not_comparable with its `reason` when model, capture, panel, extraction
    rules or the same-hour control (`aa_passed` False) forbid a verdict, or an engine was not asked both times. Of a
    base that straddles a change of model only the part with today's model counts. `own_excess` is the own difference
    minus the competitors'; when its range includes 0, the engine moved, not the brand. Rates are shares, not percentage
    points. With fewer than 30 questions, or rates under 5 % or over 95 %, p comes from sign flips (9,999, `seed`),
    else from a paired t.
    """
    early, late = (checked(f, panel).filter(~pl.col("branded")) for f in (before, after))
    rows: list[dict[str, Any]] = []
    groups = pl.concat([early, late]).select("engine", "surface").unique().sort("surface", "engine")
    rng = np.random.default_rng(seed)
    for surface, engines in groups.group_by("surface", maintain_order=True):
        windows = {engine: _windows(early, late, engine, *surface) for engine in engines["engine"]}
        reasons = {
            engine: "the same-hour control (A/A) failed" if aa_passed is False else not_comparable(old, new)
            for engine, (old, new) in windows.items()
        }
        for brand in panel.own:
            for metric in METRICS:
                pairs = {e: _by_brand(old, new, panel, brand, metric) for e, (old, new) in windows.items()}
                if len(pairs) > 1 and metric in OVER_ENGINES:
                    why = next((f"{e}: {r}" for e, r in reasons.items() if r), None)
                    pairs = {**pairs, EVERYONE: _mean_over_engines(list(pairs.values()))}
                    reasons = {**reasons, EVERYONE: why}
                for engine, by_brand in pairs.items():
                    row = _compared(by_brand, brand, level, rng)
                    if row is None and (metric != "mention_rate" or reasons[engine] is None):
                        continue
                    named = {"engine": engine, "surface": surface[0], "brand": brand, "metric": metric}
                    model_known = engine == EVERYONE or _model_known(windows[engine][1])
                    rows.append(named | (row or {}) | {"reason": reasons[engine], "model_known": model_known})
    rows = _with_q(rows)
    judged = [
        {k: v for k, v in (_verdict(r, false_discovery_rate, smallest) | r).items() if k in _SCHEMA} for r in rows
    ]
    return pl.DataFrame(judged, schema=_SCHEMA)


def _windows(early: pl.DataFrame, late: pl.DataFrame, engine: str, surface: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    here = (pl.col("engine") == engine) & (pl.col("surface") == surface)
    old, new = early.filter(here), late.filter(here)
    return same_model(old, new), new


def _model_known(frame: pl.DataFrame) -> bool:
    return frame["model_family"].drop_nulls().len() > 0


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


def _by_brand(old: pl.DataFrame, new: pl.DataFrame, panel: Panel, brand: str, metric: str) -> dict[str, pl.DataFrame]:
    """Of the brand and of each competitor: prompt_id, m, n (before), m_new, n_new, weight, d = m_new - m."""
    return {
        name: _per_prompt(old, panel, name, metric)
        .join(_per_prompt(new, panel, name, metric).drop("weight"), on="prompt_id", suffix="_new")
        .with_columns(d=pl.col("m_new") - pl.col("m"))
        .sort("prompt_id")
        for name in (brand, *panel.of_kind("competitor"))
    }


def _mean_over_engines(parts: list[dict[str, pl.DataFrame]]) -> dict[str, pl.DataFrame]:
    """The same per question, as the plain mean over the engines, of questions that every engine answered both times."""
    mean = [pl.col(c).mean() for c in ("m", "m_new", "d")]
    sums = [pl.col(c).sum() for c in ("n", "n_new")]
    return {
        name: pl.concat([part[name] for part in parts])
        .group_by("prompt_id")
        .agg(*mean, *sums, pl.col("weight").first(), engines=pl.len())
        .filter(pl.col("engines") == len(parts))
        .sort("prompt_id")
        for name in parts[0]
    }


def _compared(
    by_brand: dict[str, pl.DataFrame], brand: str, level: float, rng: np.random.Generator
) -> dict[str, Any] | None:
    pairs = by_brand[brand]
    if pairs.height < 2:
        return None
    d, w = pairs["d"].to_numpy(), pairs["weight"].to_numpy() / pairs["weight"].sum()
    diff, se, reach = _paired(d, w, level)
    rivals = [frame for name, frame in by_brand.items() if name != brand and frame.height]
    row: dict[str, Any] = {
        "n_prompts": pairs.height,
        "diff": diff,
        "low": diff - reach,
        "high": diff + reach,
        "before": float(np.sum(w * pairs["m"].to_numpy())),
        "after": float(np.sum(w * pairs["m_new"].to_numpy())),
        "mde": 2.8 * se,
    }
    edges = (row["before"], row["after"], 1 - row["before"], 1 - row["after"])
    if len(d) < FEW_PROMPTS or min(edges) < RARE:
        row["p"] = _sign_flips(d, w, rng)
        row["mde"] = min(1.0, max(row["mde"], MOVERS_NEEDED / float(pairs["n_new"].sum())))
    else:
        row["p"] = _t_test(diff, se, len(d))
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
    comparable = [position for position, row in enumerate(rows) if row["reason"] is None and "p" in row]
    q = dict(zip(comparable, benjamini_hochberg([rows[position]["p"] for position in comparable]), strict=True))
    return [row | {"q": q.get(position)} for position, row in enumerate(rows)]


def _verdict(row: dict[str, Any], q: float, smallest: float) -> dict[str, Any]:
    absent = dict.fromkeys(name for name in _SCHEMA if name not in row)
    if row["reason"] is not None:
        return absent | {"verdict": "not_comparable", "reading": f"No verdict: {row['reason']}."}
    points, mde = 100 * row["diff"], 100 * row["mde"]
    model = (
        "" if row["model_known"] else " The surface does not say which model answered; a change of model is possible."
    )
    if row["q"] >= q or abs(row["diff"]) < smallest:
        difference = f"The difference of {points:+.1f} points is within noise"
        detected = f"a true change of {mde:.1f} points would have been detected with 80 % power"
        return absent | {"verdict": "within_noise", "reading": f"{difference}; {detected}.{model}"}
    own = row.get("own_excess") is None or row["excess_low"] > 0 or row["excess_high"] < 0
    who = "" if own else " The engine moved, not you: competitors moved in the same way."
    return absent | {
        "verdict": "moved_up" if row["diff"] > 0 else "moved_down",
        "reading": f"Moved by {points:+.1f} points ({100 * row['low']:+.1f} to {100 * row['high']:+.1f}).{who}{model}",
    }
