"""Market selection by neighbours and look-back simulation, as the GeoLift package does it, for comparison with it.

`design_geo` is the search to use: it validates on held-back windows and inverts placebos instead of shuffling days.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.incrementality.geo.conformal import null_gaps
from models.incrementality.geo.panel import GeoPanel
from models.incrementality.geo.published_estimators import paper_fit

ENOUGH_POWER = 0.8


@dataclass(frozen=True)
class MarketSearch:
    """What to search: group sizes, durations (periods), effects (shares), look-back windows, cost and limits."""

    sizes: tuple[int, ...]
    durations: tuple[int, ...]
    effects: tuple[float, ...]
    lookbacks: int = 1
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    cost_per_conversion: float = 1.0
    budget: float = float("inf")
    alpha: float = 0.1
    draws: int = 1_000

    def __post_init__(self) -> None:
        if not self.sizes or min(self.sizes) < 1 or not self.durations or min(self.durations) < 1 or self.lookbacks < 1:
            raise ValueError(
                f"sizes={self.sizes}, durations={self.durations}, lookbacks={self.lookbacks}: all at least 1"
            )
        if both := set(self.include) & set(self.exclude):
            raise ValueError(f"market {sorted(both)[0]!r} is both included and excluded")


def neighbour_candidates(panel: GeoPanel, search: MarketSearch) -> list[tuple[int, ...]]:
    """Each market with its most correlated allowed ones, per size, without repeats; all hold the included markets."""
    must = set(panel.rows_of(search.include, "included"))
    never = set(panel.rows_of(search.exclude, "excluded"))
    correlation = np.corrcoef(panel.kpi)
    allowed = [row for row in range(len(panel.geos)) if row not in never]
    candidates: dict[tuple[int, ...], None] = {}
    for size in search.sizes:
        for row in allowed:
            near = [
                other for other in np.argsort(-correlation[row], kind="stable") if other in allowed and other != row
            ]
            group = tuple(sorted([row, *(int(other) for other in near[: size - 1])]))
            if must <= set(group):
                candidates[group] = None
    return list(candidates)


def market_selection(panel: GeoPanel, search: MarketSearch, *, seed: int) -> pl.DataFrame:
    """One row per candidate and duration with the smallest effect that is found with power above .8, best first.

    Columns: markets, duration, effect, power, lift (read at that effect), att, investment, scaled_l2, rank. The rank
    reproduces GeoLift's (mean of dense ranks of effect, power and bias), in which lower power ranks better.
    """
    rows = []
    total = len(panel.dates)
    draw = np.random.default_rng(seed)
    drawn = {
        (duration, shift): _drawn_days(draw, total - shift, duration, search.draws)
        for duration in search.durations
        for shift in range(search.lookbacks)
    }
    for group in neighbour_candidates(panel, search):
        donors = np.delete(panel.kpi, group, axis=0)
        tested = panel.kpi[list(group)]
        for duration in search.durations:
            rows += _simulated(panel, group, tested, donors, duration, search, drawn)
    frame = pl.DataFrame(rows, schema=_COLUMNS, orient="row")
    eligible = (
        frame.filter((pl.col("effect") > 0) & (pl.col("power") > ENOUGH_POWER))
        .sort("effect")
        .unique(["markets", "duration"], keep="first", maintain_order=True)
        .filter(pl.col("investment") <= search.budget)
    )
    bias = (pl.col("lift") - pl.col("effect")).abs().round(3)
    parts = [pl.col("effect").rank("dense"), pl.col("power").rank("dense"), bias.rank("dense")]
    return eligible.with_columns(rank=pl.mean_horizontal(parts).rank("min").cast(pl.Int64)).sort(
        "rank", "investment", "markets", descending=[False, True, False]
    )


_COLUMNS = {
    "markets": pl.String,
    "duration": pl.Int64,
    "effect": pl.Float64,
    "power": pl.Float64,
    "lift": pl.Float64,
    "att": pl.Float64,
    "investment": pl.Float64,
    "scaled_l2": pl.Float64,
}


def _drawn_days(draw: np.random.Generator, days: int, duration: int, draws: int) -> np.ndarray:
    """Indicator (days, draws) of `duration` days drawn without replacement: sums over draws become one product."""
    picked = draw.random((draws, days)).argsort(axis=1)[:, :duration]
    indicator = np.zeros((days, draws))
    np.put_along_axis(indicator.T, picked, 1.0, axis=1)
    return indicator


def _simulated(
    panel: GeoPanel,
    group: tuple[int, ...],
    tested: np.ndarray,
    donors: np.ndarray,
    duration: int,
    search: MarketSearch,
    drawn: dict[tuple[int, int], np.ndarray],
) -> list[tuple[str, int, float, float, float, float, float, float]]:
    """Power over look-back windows for every effect; weights look at the pre-period only, so one fit serves all."""
    total = panel.kpi.shape[1]
    sums_by_effect = {effect: [0.0, 0.0, 0.0] for effect in search.effects}
    fit_error, paid = 0.0, 0.0
    for shift in range(search.lookbacks):
        end = total - shift
        pre = end - duration
        mean = tested[:, :end].mean(axis=0)
        fit = paper_fit(mean, donors[:, :end], pre, "difp")
        fit_error += fit.l2 / paper_fit(mean, donors[:, :end], pre, "did").l2 / search.lookbacks
        base = float(mean[pre:].mean())
        paid += float(tested[:, pre:end].sum()) / search.lookbacks
        raised = np.repeat(mean[None], len(search.effects), axis=0)
        raised[:, pre:] *= 1 + np.array(search.effects)[:, None]
        gaps = np.abs(null_gaps(raised, donors[:, :end]))
        shuffled = gaps @ drawn[duration, shift]
        observed = gaps[:, pre:].sum(axis=1, keepdims=True)
        p_values = (1 + (shuffled >= observed * (1 - 1e-12)).sum(axis=1)) / (search.draws + 1)
        for (effect, sums), p_value in zip(sums_by_effect.items(), p_values, strict=True):
            att = fit.tau + effect * base
            sums[0] += float(p_value < search.alpha) / search.lookbacks
            sums[1] += att / (base * (1 + effect) - att) / search.lookbacks
            sums[2] += att / search.lookbacks
    names = ", ".join(panel.geos[row] for row in group)
    return [
        (names, duration, effect, power, lift, att, search.cost_per_conversion * effect * paid, fit_error)
        for effect, (power, lift, att) in sums_by_effect.items()
    ]
