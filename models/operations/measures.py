"""Operating metrics as functions of pieces and weights: what is counted, over which cohort, and what it needs.

A measure takes weights of the shape (sets, pieces) and returns one value per set, so the same definition gives the
point (all weights 1), its range (bootstrap weights) and the figure at another mix of task kinds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from models.operations.competing_risks import KILLED, OPEN, PUBLISHED, Incidence, incidence

Cohort = Literal["briefed_at", "first_decided_at"]
Kind = Literal["share", "positive", "amount"]
Values = Callable[[pl.DataFrame, np.ndarray], np.ndarray]
ENDINGS = {"open": OPEN, "published": PUBLISHED, "killed": KILLED}
# Above this share without an ending at the longest follow-up, half of what gets published may still be to come.
MOST_OPEN = 0.10
DECILES = tuple(p / 10 for p in range(1, 10))


@dataclass(frozen=True)
class Measure:
    """One operating metric: `values` per set of weights, over the pieces whose `cohort` time lies in the period.

    `weeks` is the length of the newest period, which ends `lag_weeks` before today so that its pieces have had time to
    end. `needs` are columns that must hold a value somewhere, else the metric is not measured. `log_level` gives the
    logarithm that is compared with the baseline where it is not the metric's own. `lower_is_better` is None where a
    band or a judgement, and not a direction, is good.
    """

    name: str
    unit: str
    cohort: Cohort
    kind: Kind
    values: Values
    definition: str
    needs: tuple[str, ...] = ()
    weeks: int = 8
    lag_weeks: int = 0
    lower_is_better: bool | None = None
    target: float | None = None
    log_level: Values | None = None
    only: Callable[[pl.DataFrame], pl.DataFrame] | None = None


def life(pieces: pl.DataFrame, weights: np.ndarray) -> Incidence:
    """Aalen-Johansen shares published and killed, by days since the brief."""
    ending = pieces["ending"].replace_strict(ENDINGS, return_dtype=pl.Int8).to_numpy()
    return incidence(pieces["days"].to_numpy(), ending, weights)


def _cycle_time(pieces: pl.DataFrame, weights: np.ndarray) -> np.ndarray:
    lives = life(pieces, weights)
    return np.where(lives.still_open <= MOST_OPEN, lives.quantile(0.5), np.nan)


def _slow_cycle(pieces: pl.DataFrame, weights: np.ndarray) -> np.ndarray:
    lives = life(pieces, weights)
    return np.where(lives.still_open <= MOST_OPEN, lives.quantile(0.85), np.nan)


def _cycle_level(pieces: pl.DataFrame, weights: np.ndarray) -> np.ndarray:
    """Mean logarithm of the nine deciles: twice as sharp as the median when all pieces get faster alike."""
    lives = life(pieces, weights)
    least = pieces["days"].filter(pieces["days"] > 0).min()
    floor = float(least) if isinstance(least, float) else 1e-6
    level = np.mean([np.log(np.maximum(lives.quantile(p), floor)) for p in DECILES], axis=0)
    return np.where(lives.still_open <= MOST_OPEN, level, np.nan)


def _if_nothing_killed(pieces: pl.DataFrame, weights: np.ndarray) -> np.ndarray:
    ending = np.where(pieces["ending"].to_numpy() == "published", PUBLISHED, OPEN)
    process = incidence(pieces["days"].to_numpy(), ending, weights)
    if not process.times.size:
        return np.full(weights.shape[0], np.nan)
    reached = process.open <= 0.5
    return np.where(reached.any(axis=1), process.times[reached.argmax(axis=1)], np.nan)


def _kill_rate(pieces: pl.DataFrame, weights: np.ndarray) -> np.ndarray:
    lives = life(pieces, weights)
    return np.where(lives.still_open <= MOST_OPEN, lives.killed_in_the_end, np.nan)


def _loops(pieces: pl.DataFrame, weights: np.ndarray) -> np.ndarray:
    """Mean number of returns: the chance of another return, multiplied over the rounds; open rounds are censored."""
    returns = pieces["returns"].to_numpy()
    closed = pieces["review_closed"].to_numpy()
    expected, reaching = np.zeros(weights.shape[0]), np.ones(weights.shape[0])
    for done in range(int(returns.max(initial=0))):
        returned = weights @ (returns > done)
        judged = returned + weights @ ((returns == done) & closed)
        reaching = reaching * np.divide(returned, judged, out=np.zeros_like(returned), where=judged > 0)
        expected = expected + reaching
    return expected


def _share(numerator: str, denominator: str | None = None) -> Values:
    def values(pieces: pl.DataFrame, weights: np.ndarray) -> np.ndarray:
        top = weights @ pieces[numerator].cast(pl.Float64).fill_null(0).to_numpy()
        bottom = weights.sum(axis=1) if denominator is None else weights @ _numbers(pieces, denominator)
        return np.divide(top, bottom, out=np.full_like(top, np.nan), where=bottom > 0)

    return values


def _numbers(pieces: pl.DataFrame, column: str) -> np.ndarray:
    return pieces[column].cast(pl.Float64).fill_null(0).to_numpy()


def _median(column: str) -> Values:
    def values(pieces: pl.DataFrame, weights: np.ndarray) -> np.ndarray:
        order = np.argsort(pieces[column].to_numpy(), kind="stable")
        sorted_values, sorted_weights = pieces[column].to_numpy()[order], weights[:, order]
        if not order.size:
            return np.full(weights.shape[0], np.nan)
        total = np.cumsum(sorted_weights, axis=1)
        half = total[:, -1:] / 2
        return (sorted_values[(total >= half).argmax(axis=1)] + sorted_values[(total > half).argmax(axis=1)]) / 2

    return values


def _having(column: str) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda pieces: pieces.filter(pl.col(column).is_not_null())


def _published_with(column: str) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda pieces: pieces.filter((pl.col("ending") == "published") & pl.col(column).is_not_null())


def measures(band: tuple[float, float], faster: float = 0.6, more_first_hits: float = 1.25) -> tuple[Measure, ...]:
    """Every metric of a piece's life. `band` is where the edit ratio is expected, `faster` and `more_first_hits` are
    the targets as ratios to the baseline."""
    ended = "killed drafts included"
    return (
        Measure(
            "cycle_time",
            "days",
            "briefed_at",
            "positive",
            _cycle_time,
            "Median days from brief to publication of what gets published; open pieces are censored and kills compete"
            " (Aalen-Johansen). Cohort: week of the brief.",
            lower_is_better=True,
            target=faster,
            log_level=_cycle_level,
        ),
        Measure(
            "cycle_time_p85",
            "days",
            "briefed_at",
            "positive",
            _slow_cycle,
            "Days within which 85 % of what gets published is out (Aalen-Johansen).",
            lower_is_better=True,
        ),
        Measure(
            "cycle_time_without_kills",
            "days",
            "briefed_at",
            "positive",
            _if_nothing_killed,
            "Median days to publication if nothing were killed (Kaplan-Meier, kills censored): a figure of the process,"
            " longer than what is published takes.",
            lower_is_better=True,
        ),
        Measure(
            "kill_rate",
            "share",
            "briefed_at",
            "share",
            _kill_rate,
            "Share of briefed pieces that end killed before publication (Aalen-Johansen, competing with publication).",
        ),
        Measure(
            "first_hit_rate",
            "share",
            "first_decided_at",
            "share",
            _share("is_first_hit"),
            "Share of pieces whose first review decision is an approval; pieces with a first decision, by its week.",
            needs=("first_decided_at",),
            weeks=13,
            lower_is_better=False,
            target=more_first_hits,
        ),
        Measure(
            "correction_loops",
            "returns per piece",
            "first_decided_at",
            "amount",
            _loops,
            "Mean number of returns by review round; rounds that are still open are censored (Nelson-Aalen).",
            needs=("first_decided_at",),
            weeks=13,
            lower_is_better=True,
        ),
        Measure(
            "brand_consistency",
            "share",
            "first_decided_at",
            "share",
            _share("brand_passed", "brand_applicable"),
            "Weighted share of applicable brand rules that the published piece passed at release.",
            needs=("brand_applicable",),
            weeks=13,
            lower_is_better=False,
            only=_published_with("brand_applicable"),
        ),
        Measure(
            "edit_ratio",
            "share",
            "first_decided_at",
            "amount",
            _median("edit_ratio"),
            "Median share of the draft's tokens that differ in the published text, moved sentences not counted;"
            " computed from the two texts, as the approval states it where the log lacks one."
            f" Expected between {band[0]:g} and {band[1]:g}: below it, delegate more or look for"
            " approvals without reading; above it, the brief or the memory is at fault.",
            needs=("edit_ratio",),
            weeks=13,
            only=_published_with("edit_ratio"),
        ),
        Measure(
            "edit_ratio_in_band",
            "share",
            "first_decided_at",
            "share",
            lambda pieces, weights: _share("in_band")(
                pieces.with_columns(pl.col("edit_ratio").is_between(*band).alias("in_band")), weights
            ),
            f"Share of published pieces whose edit ratio lies between {band[0]:g} and {band[1]:g}.",
            needs=("edit_ratio",),
            weeks=13,
            only=_published_with("edit_ratio"),
        ),
        Measure(
            "corrected_after_publication",
            "share",
            "first_decided_at",
            "share",
            _share("is_corrected"),
            "Share of published pieces corrected within four weeks, among those published at least four weeks ago.",
            weeks=13,
            lower_is_better=True,
            only=_published_with("is_corrected"),
        ),
        Measure(
            "touches",
            "per piece",
            "briefed_at",
            "amount",
            _share("touches"),
            "Times that a person worked on a piece; events of one person at most 30 minutes apart are one touch.",
            needs=("touches",),
            lag_weeks=4,
            lower_is_better=True,
        ),
        Measure(
            "human_minutes",
            "minutes per piece",
            "briefed_at",
            "amount",
            _share("human_minutes"),
            "Logged minutes of people per piece; never taken from gaps between time stamps. Pieces without any logged"
            " minute are left out.",
            needs=("human_minutes",),
            lag_weeks=4,
            lower_is_better=True,
            only=_having("human_minutes"),
        ),
        Measure(
            "minutes_per_published_piece",
            "minutes",
            "briefed_at",
            "amount",
            _share("human_minutes", "is_published"),
            f"Logged minutes of people, {ended}, per published piece, over the pieces that log any.",
            needs=("human_minutes",),
            lag_weeks=4,
            lower_is_better=True,
            only=_having("human_minutes"),
        ),
        Measure(
            "tokens_per_published_piece",
            "tokens",
            "briefed_at",
            "amount",
            _share("tokens", "is_published"),
            f"Tokens of language models, {ended}, per published piece, over the pieces that log any.",
            needs=("tokens",),
            lag_weeks=4,
            lower_is_better=True,
            only=_having("tokens"),
        ),
        Measure(
            "cost_per_published_piece",
            "money",
            "briefed_at",
            "amount",
            _share("cost", "is_published"),
            f"Model cost, delivered cost and minutes times the hourly rate, {ended}, per published piece.",
            needs=("cost",),
            lag_weeks=4,
            lower_is_better=True,
            only=_having("cost"),
        ),
    )
