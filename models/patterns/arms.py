"""From rows of creative tests to arms that may be compared: same brief, same channel, same weeks, fair split."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl
from scipy.stats import chi2

from models.patterns.spec import LearnSpec
from models.warning import Warning

REQUIRED = {"brief": pl.String, "variant": pl.String, "channel": pl.String, "week": pl.Date}
COUNTS = ("trials", "successes")


@dataclass(frozen=True)
class Arms:
    """Arms inside cells (brief x channel), the split check per cell, and what was excluded.

    `frame`: cell, brief, channel, variant, week (first week run), y (outcome), s2 (its sampling variance).
    `srm`: brief, channel, p, excluded. `left_out` counts cells by reason.
    """

    frame: pl.DataFrame
    srm: pl.DataFrame
    left_out: dict[str, int]
    warnings: tuple[Warning, ...]


def split_check(tests: pl.DataFrame) -> pl.DataFrame:
    """Whether each arm of a test received its planned share of traffic (sample ratio mismatch).

    `tests` as in `learn`; `planned_share` (any positive weights inside a test) is optional, equal shares otherwise.
    Returns brief, channel, chi2, df, p. The statistic is summed over weeks, so a shift of traffic between arms
    from week to week is detected even when the totals are balanced. A low p says that the split was broken, not why.
    """
    if "planned_share" not in tests.columns:
        tests = tests.with_columns(planned_share=pl.lit(1.0))
    week = ["brief", "channel", "week"]
    rows = tests.group_by([*week, "variant"]).agg(pl.col("trials").sum(), pl.col("planned_share").max())
    expected = pl.col("trials").sum().over(week) * pl.col("planned_share") / pl.col("planned_share").sum().over(week)
    rows = rows.with_columns(expected=expected).filter(pl.col("expected") > 0)
    per_week = rows.group_by(week).agg(
        ((pl.col("trials") - pl.col("expected")) ** 2 / pl.col("expected")).sum().alias("chi2"),
        (pl.len() - 1).cast(pl.Int64).alias("df"),
    )
    per_test = per_week.group_by("brief", "channel").agg(pl.col("chi2").sum(), pl.col("df").sum())
    per_test = per_test.filter(pl.col("df") > 0).sort("brief", "channel")
    return per_test.with_columns(p=pl.Series(chi2.sf(per_test["chi2"].to_numpy(), per_test["df"].to_numpy())))


def comparable_arms(tests: pl.DataFrame, spec: LearnSpec) -> Arms:
    """Arms whose difference is caused by the creative alone, as far as the design allows.

    Kept: weeks that ended by `spec.as_of`, weeks in which all arms of the cell ran, arms with at least
    `spec.min_trials`, cells with two such arms and a fair split. Sums rows of the same arm, so a week split in two
    changes nothing. Raises ValueError naming the column, or brief and variant, of the first impossible row.
    """
    _refuse_impossible(tests, spec)
    if spec.as_of is not None:
        tests = tests.filter(pl.col("week") + timedelta(days=7) <= spec.as_of)
    left_out: dict[str, int] = {}
    cell = ["brief", "channel"]
    tests = tests.filter(pl.col("variant").n_unique().over(cell) >= 2)
    cells_before = tests.select(cell).n_unique()

    arms_in_cell = pl.col("variant").n_unique().over(cell)
    together = tests.filter(pl.col("variant").n_unique().over([*cell, "week"]) == arms_in_cell)
    left_out["arms never ran in the same week"] = cells_before - together.select(cell).n_unique()

    srm = split_check(together).with_columns(excluded=pl.lit(False))
    if spec.srm_alpha is not None:
        srm = srm.with_columns(excluded=pl.col("p") < spec.srm_alpha)
    broken = srm.filter("excluded")
    left_out["traffic split broken"] = broken.height
    fair = together.join(broken, on=cell, how="anti")

    sums = [pl.col(c).sum() for c in (*COUNTS, "value", "value_sq") if c in tests.columns]
    arms = fair.group_by([*cell, "variant"]).agg(*sums, pl.col("week").min())
    arms = arms.filter(pl.col("trials") >= spec.min_trials).filter(pl.len().over(cell) >= 2).sort([*cell, "variant"])
    left_out["fewer than two arms with enough trials"] = fair.select(cell).n_unique() - arms.select(cell).n_unique()
    arms = arms.with_columns(cell=pl.struct(cell).rank("dense").cast(pl.Int64) - 1)
    return Arms(_with_outcome(arms, spec), srm, left_out, tuple(_warnings(left_out, cells_before)))


def _with_outcome(arms: pl.DataFrame, spec: LearnSpec) -> pl.DataFrame:
    trials, successes = arms["trials"].to_numpy().astype(float), arms["successes"].to_numpy().astype(float)
    if spec.outcome == "ctr_log_odds":
        y = np.log((successes + 0.5) / (trials - successes + 0.5))
        s2 = 1 / (successes + 0.5) + 1 / (trials - successes + 0.5)
    else:
        mean = arms["value"].to_numpy() / trials
        y = mean * 1000.0
        s2 = 1e6 * np.maximum(arms["value_sq"].to_numpy() / trials - mean**2, 0.0) / trials
        # An arm without any sale has no variance of its own; it gets the median of the others.
        s2 = np.where(s2 > 0, s2, np.median(s2[s2 > 0]) if (s2 > 0).any() else 1.0)
    return arms.with_columns(y=pl.Series(y), s2=pl.Series(s2))


def _refuse_impossible(tests: pl.DataFrame, spec: LearnSpec) -> None:
    need = [*REQUIRED, *COUNTS] + (["value", "value_sq"] if spec.outcome == "incremental_margin_per_1k" else [])
    missing = [c for c in need if c not in tests.columns]
    if missing:
        raise ValueError(f"tests lacks {', '.join(missing)}: each row needs {', '.join(need)}")
    for column, dtype in REQUIRED.items():
        if tests.schema[column] != dtype:
            raise ValueError(f"tests.{column} is {tests.schema[column]}, need {dtype}; a week is its Monday as a date")
    wrong = tests.filter(
        pl.any_horizontal(pl.col(need).is_null())
        | (pl.col("trials") < 0)
        | (pl.col("successes") < 0)
        | (pl.col("successes") > pl.col("trials"))
        | (pl.col("week").dt.weekday() != 1)
    )
    if wrong.height:
        row = wrong.row(0, named=True)
        raise ValueError(
            f"tests, brief {row['brief']!r}, variant {row['variant']!r}, week {row['week']}: trials={row['trials']},"
            f" successes={row['successes']}; need no blank, a Monday, and 0 <= successes <= trials"
            f" ({wrong.height} such rows)"
        )


def _warnings(left_out: dict[str, int], cells: int) -> list[Warning]:
    warnings = []
    if left_out["traffic split broken"]:
        warnings.append(
            Warning(
                code="sample_ratio_mismatch",
                severity="medium",
                subject="creative tests",
                message=f"{left_out['traffic split broken']} of {cells} tests did not split their traffic as planned,"
                " so their arms reached different people. They were excluded.",
                action="Ask the testing tool's owner for caching, bot filters or early stops in these tests.",
            )
        )
    if left_out["arms never ran in the same week"]:
        warnings.append(
            Warning(
                code="arms_ran_apart",
                severity="low",
                subject="creative tests",
                message=f"{left_out['arms never ran in the same week']} of {cells} tests never had all their variants"
                " live in the same week, so season and variant cannot be separated. They were excluded.",
                action="Start and stop all variants of a brief together.",
            )
        )
    return warnings
