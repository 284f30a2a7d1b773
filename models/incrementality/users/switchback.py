"""Read a switchback test with errors that whole stretches of time share, and check whether effects carried over."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from math import sqrt

import numpy as np
import polars as pl

from models.incrementality.inversion import exact_alpha
from models.incrementality.result import Check, LiftResult
from models.incrementality.users.moments import ArmsError
from models.incrementality.verdict import USUAL_RELEVANT_LIFT, judge

FEW_STRETCHES = 12  # clusters below which a cluster-robust error is known to be too small
CARRY_OVER_ALPHA = 0.05


@dataclass(frozen=True)
class Slope:
    """Treatment minus control per unit and period, its cluster-robust error, and the stretches of time behind it."""

    point: float
    standard_error: float
    clusters: int

    @property
    def freedom(self) -> int:
        return self.clusters - 1

    def p_value(self) -> float:
        """Two-sided, Student's t with one degree of freedom less than there are stretches."""
        from scipy import stats

        return float(2 * stats.t.sf(abs(self.point) / self.standard_error, self.freedom))

    def reach(self, level: float) -> float:
        """Half-width of the two-sided range."""
        from scipy import stats

        return float(stats.t.isf(float(exact_alpha(level)) / 2, self.freedom)) * self.standard_error


def read_switchback(
    observations: pl.DataFrame | pl.LazyFrame,
    *,
    washout: int,
    control: str = "control",
    treatment: str = "treatment",
    level: float = 0.9,
    relevant_lift: float = USUAL_RELEVANT_LIFT,
    randomised: bool = True,
) -> LiftResult:
    """Incremental KPI of a switchback test from unit, period (whole numbers), arm, kpi.

    The first `washout` periods after each change of a unit's arm are left out. Units are compared with themselves and,
    where arms differ between units at the same time, with each other. All units share the luck of a day: errors are
    clustered by stretches of time without a switch (CR1, Student's t). `effect` is per unit and period times
    all treated unit-periods. Raises ArmsError for a unit-period seen twice, an empty or unknown value, another arm, and
    fewer than four stretches.
    """
    rows = _checked(
        observations.collect() if isinstance(observations, pl.LazyFrame) else observations, control, treatment
    )
    aged = _aged(rows)
    settled = aged.filter((pl.col("age") >= washout) | (pl.col("run") == 0))
    if missing := {control, treatment} - set(settled["arm"]):
        raise ArmsError(f"no period of arm {min(missing)!r} is left after a wash-out of {washout} periods")
    slope = clustered_difference(settled, treatment)
    treated = rows.filter(pl.col("arm") == treatment)
    actual, periods = float(treated["kpi"].sum()), treated.height
    reach = slope.reach(level)
    effect, low, high = (periods * (slope.point + side * reach) for side in (0, -1, 1))
    checks = [_few(slope), _carried(aged, washout, treatment), _drawn(randomised)]
    judgement = judge(
        treatment,
        checks,
        effect=effect,
        low=low,
        high=high,
        p_value=slope.p_value(),
        level=level,
        relevant=abs(relevant_lift * (actual - effect)),
        relevant_reason=f"{relevant_lift:.1%} of the KPI",
    )
    from scipy import stats

    def share(amount: float) -> float:
        return amount / (actual - amount) if actual != amount else float("nan")

    return LiftResult(
        effect=effect,
        low=low,
        high=high,
        level=level,
        relative=share(effect),
        relative_low=share(low),
        relative_high=share(high),
        att=slope.point,
        p_value=slope.p_value(),
        iroas=None,
        iroas_low=None,
        iroas_high=None,
        verdict=judgement.verdict,
        warnings=judgement.warnings,
        method="switchback",
        reasons=judgement.reasons,
        grade=judgement.grade,
        se=periods * reach / float(stats.norm.isf(float(exact_alpha(level)) / 2)),
        design="ab",
        inference=f"cluster-robust by {slope.clusters} stretches of time, Student's t, wash-out {washout}",
        actual=actual,
        counterfactual=actual - effect,
        seed=0,
        data_sha256=hashlib.sha256(rows.write_csv().encode()).hexdigest(),
        treated=(treatment,),
        grain="unit-period",
        periods=periods,
        checks=judgement.checks,
    )


def clustered_difference(settled: pl.DataFrame, treatment: str) -> Slope:
    """Weighted least squares of unit-stretch means (unit, stretch, arm, kpi) on the arm, with effects of units and,
    where both arms ran in one stretch, of stretches; the error is clustered by stretch.
    """
    cells = settled.group_by("unit", "stretch").agg(
        pl.len().alias("weight"), pl.col("kpi").mean(), pl.col("arm").first(), pl.col("arm").n_unique().alias("arms")
    )
    cells = cells.sort("unit", "stretch")
    treated = (cells["arm"] == treatment).to_numpy().astype(float)
    units, stretches = (cells[name].rank("dense").to_numpy().astype(int) - 1 for name in ("unit", "stretch"))
    clusters = int(stretches.max()) + 1
    if clusters < 4:
        raise ArmsError(f"{clusters} stretches of time without a switch: at least four are needed for a range")
    dummies = [np.eye(units.max() + 1)[units]]
    mixed = cells.group_by("stretch").agg(pl.col("arm").n_unique())["arm"].max()
    if mixed == 2:
        dummies.append(np.eye(clusters)[stretches][:, 1:])
    others = np.hstack(dummies)
    root = np.sqrt(cells["weight"].to_numpy().astype(float))
    design, outcome = others * root[:, None], cells["kpi"].to_numpy() * root
    own = treated * root
    free = own - design @ np.linalg.lstsq(design, own, rcond=None)[0]
    moved = float(free @ free)
    if moved < 1e-9 * max(float(own @ own), 1e-300):
        raise ArmsError("the arm never changes within a unit or stretch of time: there is nothing to compare")
    point = float(free @ outcome) / moved
    residual = outcome - own * point
    residual -= design @ np.linalg.lstsq(design, residual, rcond=None)[0]
    scores = np.bincount(stretches, weights=free * residual, minlength=clusters)
    observed = cells.height
    correction = clusters / (clusters - 1) * (observed - 1) / max(observed - 1 - dummies[0].shape[1], 1)
    return Slope(point, sqrt(float(scores @ scores) * correction) / moved, clusters)


def _checked(rows: pl.DataFrame, control: str, treatment: str) -> pl.DataFrame:
    if lacking := [name for name in ("unit", "period", "arm", "kpi") if name not in rows.columns]:
        raise ArmsError(f"the observations have no column {', '.join(lacking)} (they have {', '.join(rows.columns)})")
    rows = rows.select(
        pl.col("unit").cast(pl.String),
        pl.col("period").cast(pl.Int64),
        pl.col("arm").cast(pl.String),
        pl.col("kpi").cast(pl.Float64),
    ).sort("unit", "period")
    broken = rows.filter(pl.col("kpi").is_null() | ~pl.col("kpi").is_finite() | pl.col("arm").is_null())
    if broken.height:
        row = broken.row(0, named=True)
        raise ArmsError(f"unit {row['unit']!r} in period {row['period']}: arm {row['arm']!r}, kpi {row['kpi']}")
    if strange := sorted(set(rows["arm"]) - {control, treatment}):
        raise ArmsError(f"arm {strange[0]!r} is neither {control!r} nor {treatment!r}: name the arms to compare")
    twice = rows.group_by("unit", "period").len().filter(pl.col("len") > 1).sort("unit", "period")
    if twice.height:
        row = twice.row(0, named=True)
        raise ArmsError(f"unit {row['unit']!r} has {row['len']} rows in period {row['period']}: it was assigned twice")
    return rows


def _aged(rows: pl.DataFrame) -> pl.DataFrame:
    """Adds run (of one arm within a unit), age (periods since the switch), stretch (time without any switch)."""
    switched = pl.col("arm").ne(pl.col("arm").shift(1).over("unit")).fill_null(False)
    rows = rows.with_columns(switched.alias("switched")).with_columns(
        pl.col("switched").cum_sum().over("unit").alias("run")
    )
    age = pl.int_range(pl.len()).over("unit", "run").alias("age")
    times = rows.group_by("period").agg(pl.col("switched").any()).sort("period")
    times = times.select("period", pl.col("switched").cum_sum().alias("stretch"))
    return rows.with_columns(age).join(times, on="period").sort("unit", "period")


def _carried(aged: pl.DataFrame, washout: int, treatment: str) -> Check:
    """Whether the first period read after a switch still holds some of the other arm: its distance from the later
    periods of its run, treatment runs against control runs, with the errors of the read itself."""
    inside = aged.filter((pl.col("run") > 0) & (pl.col("age") >= washout))
    first = pl.col("kpi").filter(pl.col("age") == washout).mean()
    later = pl.col("kpi").filter(pl.col("age") > washout).mean()
    runs = inside.group_by("unit", "run").agg(
        pl.col("arm").first(), pl.col("stretch").first(), (first - later).alias("kpi")
    )
    try:
        p_value = clustered_difference(runs.drop_nulls("kpi"), treatment).p_value()
    except ArmsError:
        p_value = float("nan")  # too few runs to tell: the check for few stretches says so
    passed = not p_value <= CARRY_OVER_ALPHA
    return Check(
        "carry_over",
        passed,
        False,
        p_value,
        CARRY_OVER_ALPHA,
        f"the first period after a wash-out of {washout} still differs from later ones, in opposite ways by arm"
        f" (p = {p_value:.3f})"
        if not passed
        else "nothing of the other arm is left after the wash-out",
        "Read again with a longer wash-out, and use longer blocks next time.",
    )


def _few(slope: Slope) -> Check:
    return Check(
        "stretches",
        slope.clusters >= FEW_STRETCHES,
        False,
        float(slope.clusters),
        float(FEW_STRETCHES),
        f"only {slope.clusters} stretches of time lie between switches: the range relies on more",
        "Run longer, or switch more often.",
    )


def _drawn(randomised: bool) -> Check:
    return Check(
        "randomised",
        randomised,
        True,
        float(randomised),
        1.0,
        "the switching schedule was not randomised, so the hours or days may differ in more than the treatment",
        "Draw the schedule with switchback_schedule and run the test again.",
    )
