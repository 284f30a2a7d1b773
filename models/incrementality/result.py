"""What one test showed: the one result type of geo tests, user tests and time-series reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import polars as pl

from models.warning import Warning

Verdict = Literal["valid", "inconclusive", "invalid"]
Grade = Literal["A", "B", "C"]
Design = Literal["geo", "ab", "time_series"]

INFLATION = {"A": 1.0, "B": 1.25, "C": 1.5}  # of the standard error when a test is handed on, by grade


@dataclass(frozen=True)
class Check:
    """One falsification check: what was measured against which limit; `hard` makes a failed one invalidate the test."""

    name: str
    passed: bool
    hard: bool
    value: float
    limit: float
    message: str
    action: str


@dataclass(frozen=True)
class LiftResult:
    """The incremental effect of one test with its range, its grade and everything needed to draw it or use it further.

    `effect` is the total over all treated units and the whole read window in KPI units, `low` and `high` its
    confidence interval at `level` (about the parameter, observation noise included). `relative` is effect over
    what would have happened. `att` is per treated geo and period of the panel (`grain` names it; a day for daily
    panels), for a user test per user. `iroas` is KPI per unit of extra spend: with revenue as KPI, the incremental
    return on ad spend; None when no spend was given. Bounds may be infinite (the data cannot bound the ratio) and
    are NaN for an empty set. `p_value` and the interval are readings of one statistic: 0 lies outside the interval
    exactly when p_value <= 1 - level. `se` is the calibrated standard error, half the interval over z;
    `se * inflation` is what other models should use. `verdict`: valid (the test answers its question, also with
    "no effect"), inconclusive (sound, but too noisy to tell), invalid (do not use); `reasons` say why.

    Frames: `curves` day, phase, actual, counterfactual, effect, low, high, cumulative, cumulative_low,
    cumulative_high; `placebos` name, tau, t; `weights` geo, weight; `selection` candidate, error_percent, chosen.
    """

    effect: float
    low: float
    high: float
    level: float
    relative: float
    relative_low: float
    relative_high: float
    att: float
    p_value: float
    iroas: float | None
    iroas_low: float | None
    iroas_high: float | None
    verdict: Verdict
    warnings: tuple[Warning, ...]
    method: str
    reasons: tuple[str, ...]
    grade: Grade
    se: float
    design: Design
    inference: str
    actual: float
    counterfactual: float
    seed: int
    data_sha256: str
    spend: float | None = None
    profit: float | None = None
    profit_low: float | None = None
    profit_high: float | None = None
    profit_chance: float | None = None
    treated: tuple[str, ...] = ()
    start: date | None = None
    end: date | None = None
    grain: str = ""
    periods: int = 0
    checks: tuple[Check, ...] = ()
    curves: pl.DataFrame = field(default_factory=pl.DataFrame)
    placebos: pl.DataFrame = field(default_factory=pl.DataFrame)
    weights: pl.DataFrame = field(default_factory=pl.DataFrame)
    selection: pl.DataFrame = field(default_factory=pl.DataFrame)
    other_form: dict[str, float | str] = field(default_factory=dict)

    @property
    def inflation(self) -> float:
        """Factor on `se` for models that use this test, by its grade."""
        return INFLATION[self.grade]

    @property
    def significant(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low > 0 or self.high < 0

    def check_frame(self) -> pl.DataFrame:
        """The falsification checks as rows: name, passed, hard, value, limit, message, action."""
        return pl.DataFrame([vars(check) for check in self.checks], schema=_CHECK_COLUMNS, orient="row")


_CHECK_COLUMNS = {
    "name": pl.String,
    "passed": pl.Boolean,
    "hard": pl.Boolean,
    "value": pl.Float64,
    "limit": pl.Float64,
    "message": pl.String,
    "action": pl.String,
}
