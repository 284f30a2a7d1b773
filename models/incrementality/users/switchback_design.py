"""Switchback tests: a unit is switched between variants over time; clusters of periods are what is compared."""

from __future__ import annotations

import numpy as np
import polars as pl

from models.incrementality.users.moments import ArmsError


def switchback_schedule(units: list[str], periods: int, block: int, *, seed: int) -> pl.DataFrame:
    """Who is treated when: unit, period, block, arm. Each unit's blocks of `block` periods are drawn in balanced pairs.

    Raises ValueError unless every unit has at least two whole blocks.
    """
    if block < 1 or periods < 2 * block:
        raise ValueError(f"periods={periods}, block={block}: at least two whole blocks are needed")
    draw = np.random.default_rng(seed)
    rows = []
    for unit in units:
        blocks = -(-periods // block)
        first = draw.integers(0, 2, size=-(-blocks // 2))
        arms = np.column_stack([first, 1 - first]).ravel()[:blocks]
        rows += [
            {"unit": unit, "period": p, "block": p // block, "arm": "treatment" if arms[p // block] else "control"}
            for p in range(periods)
        ]
    return pl.DataFrame(rows)


def switchback_arms(observations: pl.DataFrame, *, washout: int) -> pl.DataFrame:
    """Arms for `read_ab` from unit, period, arm, kpi: a unit's run in one arm is one observation, its mean.

    The first `washout` periods after each change are left out, because they still hold the other arm's effect. Units
    are strata: each is compared with itself. Raises ArmsError for a unit-period seen twice or a unit without two
    runs in each arm.
    """
    twice = observations.group_by("unit", "period").len().filter(pl.col("len") > 1).sort("unit", "period")
    if twice.height:
        row = twice.row(0, named=True)
        raise ArmsError(f"unit {row['unit']!r} has {row['len']} rows in period {row['period']}: it was assigned twice")
    ordered = observations.sort("unit", "period").with_columns(
        pl.col("arm").ne(pl.col("arm").shift(1).over("unit")).fill_null(False).cum_sum().over("unit").alias("run")
    )
    settled = ordered.with_columns(pl.int_range(pl.len()).over("unit", "run").alias("age")).filter(
        (pl.col("age") >= washout) | (pl.col("run") == 0)
    )
    runs = settled.group_by("unit", "run", "arm").agg(pl.col("kpi").mean())
    arms = runs.group_by(pl.col("unit").alias("stratum"), "arm").agg(
        pl.len().alias("n"), pl.col("kpi").sum().alias("sum"), (pl.col("kpi") ** 2).sum().alias("sum_sq")
    )
    thin = arms.filter(pl.col("n") < 2).sort("stratum", "arm")
    if thin.height:
        row = thin.row(0, named=True)
        raise ArmsError(f"unit {row['stratum']!r} has one run of arm {row['arm']!r} after the wash-out: two are needed")
    return arms.sort("stratum", "arm")
