"""Whether a score given before launch told how a variant would do live, per kind of scorer."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, sqrt
from typing import Literal

import numpy as np
import polars as pl
from scipy.stats import t as student

from models.error import PlumblineError

FEWEST_COMPARISONS, LEAST_RELIABILITY = 60, 0.3
ScoreState = Literal["measured", "could not be computed"]
COLUMNS = ("brief", "variant", "score", "second_score", "live", "live_se")


class ScoreFramesError(PlumblineError, ValueError):
    """Scores that cannot be compared with live results."""


@dataclass(frozen=True)
class ScoreAgreement:
    """Correlation of pre-launch scores with live results between variants of one brief.

    `rho` with `low, high` (90 %) is what a score and results without noise would show; `raw` what the data show.
    `score_reliability` is None where each variant was scored once: then `rho` is corrected for the noise of the results
    only, and understates the scorer. Variants that the score kept from going live are not in it.
    """

    scorer: str
    state: ScoreState
    reason: str
    n: int
    briefs: int
    raw: float | None = None
    rho: float | None = None
    low: float | None = None
    high: float | None = None
    score_reliability: float | None = None
    live_reliability: float | None = None


def agreement(scorer: str, scores: pl.DataFrame, *, level: float = 0.90) -> ScoreAgreement:
    """rho = r / sqrt(rel_x rel_y) within briefs, its range by the jackknife over briefs.

    `scores`: brief, variant, score, second_score (null where scored once), live (log odds), live_se; one row a variant.
    rel_x = 2 r12 / (1 + r12) of two scorings (their mean is then the score), rel_y = 1 - mean(se^2) / variance. Briefs
    with one variant say nothing and are left out. Nothing is said below 60 comparisons (variants less briefs) or where
    less than three tenths of the variance of the results is real. Raises ScoreFramesError for missing columns or a
    variant twice. Sources: Spearman (1904), Brown (1910).
    """
    missing = [name for name in COLUMNS if name not in scores.columns]
    if missing:
        raise ScoreFramesError(f"scores lack {', '.join(missing)}", fix=f"each row needs {', '.join(COLUMNS)}")
    if scores.select("brief", "variant").is_duplicated().any():
        twice = scores.filter(scores.select("brief", "variant").is_duplicated())
        raise ScoreFramesError(f"variant {twice['variant'][0]!r} stands twice", fix="give one row per variant")
    complete = (
        scores.drop_nulls(["score", "live", "live_se"]).filter(pl.len().over("brief") > 1).sort("brief", "variant")
    )
    briefs = complete["brief"].n_unique()
    compared = complete.height - briefs
    if compared < FEWEST_COMPARISONS:
        reason = (
            f"{compared} comparisons of scored variants within briefs with results; {FEWEST_COMPARISONS} are needed"
        )
        return ScoreAgreement(scorer, "could not be computed", reason, complete.height, briefs)
    sums = _sums(complete)
    total = sums.sum(axis=0)
    raw, rho, rel_x, rel_y = _correlation(total)
    if rel_y < LEAST_RELIABILITY:
        reason = f"live results too noisy to judge the score: {max(rel_y, 0):.0%} of their variance is real"
        return ScoreAgreement(scorer, "could not be computed", reason, complete.height, briefs, live_reliability=rel_y)
    if not isfinite(rho):
        reason = "the score does not differ within briefs, or two scorings of a variant do not agree at all"
        return ScoreAgreement(scorer, "could not be computed", reason, complete.height, briefs, live_reliability=rel_y)
    without = np.array([_correlation(total - one)[1] for one in sums])
    without = without[np.isfinite(without)]
    se = sqrt((briefs - 1) / briefs * float(((without - without.mean()) ** 2).sum()))
    half = float(student.isf((1 - level) / 2, briefs - 1)) * se
    rho = float(np.clip(rho, -1, 1))
    return ScoreAgreement(
        scorer,
        "measured",
        "" if isfinite(rel_x) else "each variant was scored once: the scorer's own noise is not corrected for",
        complete.height,
        briefs,
        raw,
        rho,
        max(rho - half, -1.0),
        min(rho + half, 1.0),
        rel_x if isfinite(rel_x) else None,
        rel_y,
    )


def _sums(scores: pl.DataFrame) -> np.ndarray:
    """Per brief: xx, xy, yy, xa xb, xa xa, xb xb of deviations from the brief's mean, error variance, n - 1, both."""
    both = scores["second_score"].null_count() == 0
    x = scores.select((pl.col("score") + pl.col("second_score")) / 2 if both else pl.col("score")).to_series()
    frame = pl.DataFrame(
        {
            "brief": scores["brief"],
            "x": x,
            "y": scores["live"],
            "a": scores["score"],
            "b": scores["second_score"] if both else scores["score"],
            "noise": scores["live_se"] ** 2,
        }
    ).with_columns((pl.col(c) - pl.col(c).mean().over("brief")).alias(c) for c in ("x", "y", "a", "b"))
    return (
        frame.group_by("brief", maintain_order=True)
        .agg(
            (pl.col("x") ** 2).sum().alias("xx"),
            (pl.col("x") * pl.col("y")).sum().alias("xy"),
            (pl.col("y") ** 2).sum().alias("yy"),
            (pl.col("a") * pl.col("b")).sum().alias("ab"),
            (pl.col("a") ** 2).sum().alias("aa"),
            (pl.col("b") ** 2).sum().alias("bb"),
            (pl.col("noise").mean() * (pl.len() - 1)).alias("noise"),
            (pl.len() - 1).cast(pl.Float64).alias("df"),
            pl.lit(float(both)).alias("both"),
        )
        .drop("brief")
        .to_numpy()
    )


def _correlation(sums: np.ndarray) -> tuple[float, float, float, float]:
    """(raw r, corrected rho, reliability of the score, of the results); NaN where undefined."""
    xx, xy, yy, ab, aa, bb, noise, df, both = (float(v) for v in sums)
    if xx <= 0 or yy <= 0 or df <= 0:
        return float("nan"), float("nan"), float("nan"), 0.0
    raw, rel_y = xy / sqrt(xx * yy), 1 - noise / yy
    r12 = ab / sqrt(aa * bb) if both and aa > 0 and bb > 0 else float("nan")
    rel_x = 2 * r12 / (1 + r12) if isfinite(r12) and r12 > -1 else float("nan")
    known = rel_x if both else 1.0
    rho = raw / sqrt(known * rel_y) if isfinite(known) and known > 0 and rel_y > 0 else float("nan")
    return raw, rho, rel_x, rel_y
