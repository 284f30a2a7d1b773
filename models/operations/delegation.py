"""Which share of people's minutes goes into kinds of task that agents already do as well as people."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import polars as pl
from scipy.stats import norm

FEWEST_PIECES, MARGIN = 20, 0.05


@dataclass(frozen=True)
class KindComparison:
    """Agents beside people in one kind of task.

    `first_hits` and `corrected` are differences of shares, agents less people, as (value, low, high) at 90 %. `holds`
    is None where either side has fewer than 20 decided pieces: quality cannot be compared.
    """

    task_kind: str
    agent_pieces: int
    human_pieces: int
    first_hits: tuple[float, float, float] | None
    corrected: tuple[float, float, float] | None
    holds: bool | None


def comparisons(pieces: pl.DataFrame, *, margin: float = MARGIN, level: float = 0.90) -> tuple[KindComparison, ...]:
    """Per kind of task: are agents' pieces not worse by more than `margin` in first hits and in later corrections?

    Not inferior: the lower bound of the difference in first hits is above -margin, the upper bound of that in
    corrections below +margin. `pieces`: task_kind, by_agent, is_first_hit, is_corrected. Kinds are compared one by one,
    because agents are given the easy ones.
    """
    decided = pieces.filter(pl.col("is_first_hit").is_not_null())
    return tuple(
        _compared(str(kind), rows, margin, level)
        for (kind,), rows in decided.sort("task_kind").group_by("task_kind", maintain_order=True)
    )


def share_at_constant_quality(pieces: pl.DataFrame, compared: tuple[KindComparison, ...]) -> float | None:
    """Share of logged minutes in kinds where quality holds; None without minutes or any kind that can be compared."""
    minutes = pieces.group_by("task_kind").agg(pl.col("human_minutes").sum())
    total = float(minutes["human_minutes"].sum())
    if total <= 0 or all(kind.holds is None for kind in compared):
        return None
    good = [kind.task_kind for kind in compared if kind.holds]
    return float(minutes.filter(pl.col("task_kind").is_in(good))["human_minutes"].sum()) / total


def _compared(kind: str, rows: pl.DataFrame, margin: float, level: float) -> KindComparison:
    agents, people = rows.filter("by_agent"), rows.filter(~pl.col("by_agent"))
    if min(agents.height, people.height) < FEWEST_PIECES:
        return KindComparison(kind, agents.height, people.height, None, None, None)
    hits = _difference(agents["is_first_hit"], people["is_first_hit"], level)
    out, out_people = agents["is_corrected"].drop_nulls(), people["is_corrected"].drop_nulls()
    if min(len(out), len(out_people)) < FEWEST_PIECES:
        return KindComparison(kind, agents.height, people.height, hits, None, None)
    corrected = _difference(out, out_people, level)
    holds = hits[1] > -margin and corrected[2] < margin
    return KindComparison(kind, agents.height, people.height, hits, corrected, holds)


def _difference(first: pl.Series, second: pl.Series, level: float) -> tuple[float, float, float]:
    """Difference of two shares, one success and one failure added to each. Source: Agresti & Caffo (2000)."""
    shares = [(float(s.sum()) + 1) / (len(s) + 2) for s in (first, second)]
    variance = sum(p * (1 - p) / (len(s) + 2) for p, s in zip(shares, (first, second), strict=True))
    half = float(norm.isf((1 - level) / 2)) * sqrt(variance)
    centre = shares[0] - shares[1]
    value = float(first.cast(pl.Float64).sum()) / len(first) - float(second.cast(pl.Float64).sum()) / len(second)
    return value, centre - half, centre + half
