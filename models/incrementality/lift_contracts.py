"""Result of a finished test in the one form that the MMM and the triangulation use.

How a test is read is in `geo`, `users` and `series`; which tests a model can use is the model's decision.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from math import isfinite
from typing import Literal

from models.incrementality.inversion import normal_quantile
from models.incrementality.result import INFLATION, Grade, LiftResult, Verdict

Estimand = Literal["incremental_revenue", "incremental_kpi", "iroas", "mroas"]

GRADE_OF_DESIGN: dict[str, Grade] = {  # of a result that was delivered, so that no check of ours could grade it
    "geo_rct": "A",
    "ab": "A",
    "switchback": "B",
    "platform_lift": "B",
    "geo_quasi": "B",
    "time_series": "C",
}


@dataclass(frozen=True, kw_only=True)
class ExperimentScope:
    """Which test: its name, the channels whose spend it moved, where, when and on which KPI.

    `geos` are the tested regions, empty for a test over users or everywhere. Spend was changed from `start` to `end`
    and the KPI was counted until `cooldown_end`. `design` is how the test was made: geo_rct, geo_quasi, ab,
    switchback, time_series or platform_lift. Raises ValueError for days out of order.
    """

    test_id: str
    channels: tuple[str, ...]
    geos: tuple[str, ...]
    design: str
    start: date
    end: date
    cooldown_end: date
    kpi: str

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"test {self.test_id}: its end {self.end} is before its start {self.start}")

    @property
    def channel(self) -> str | None:
        """The tested channel; None for a test that moved several channels at once, or whose channel is not known."""
        return self.channels[0] if len(self.channels) == 1 else None


@dataclass(frozen=True, kw_only=True)
class LiftContract(ExperimentScope):
    """A test's result on the scales that models need; every figure is a total, never an average per day or region.

    `effect` is the incremental KPI over the tested regions (or users) from `start` to `cooldown_end`, in units of
    `kpi`; of a delivered `iroas` it is money. `effect_se` is its calibrated standard error: half the interval `low` to
    `high` at `level` over the normal quantile, not the spread of a mean path. `spend` is the extra spend that caused
    it, in report currency, below zero where spend was withheld. `tested_spend` is what the tested regions spent from
    `start` to `end`. `iroas` is money back per unit of extra spend, `iroas_se` half its interval over the normal
    quantile. Bounds are infinite where the data give none; a figure that was not measured is None.
    `verdict` "invalid": no model may use the test. `grade` says how far its error should be widened; the age of the
    test is for the model to judge.
    """

    estimand: Estimand
    effect: float | None
    low: float | None
    high: float | None
    effect_se: float | None
    spend: float | None
    iroas: float | None
    iroas_low: float | None
    iroas_high: float | None
    iroas_se: float | None
    level: float
    verdict: Verdict
    grade: Grade
    data_sha256: str | None = None
    tested_spend: float | None = None

    @property
    def usable(self) -> bool:
        """Whether a model may use the test at all."""
        return self.verdict != "invalid"

    @property
    def has_lift(self) -> bool:
        """Whether the incremental KPI is known with a standard error."""
        return _known(self.effect) and _known(self.effect_se)

    @property
    def has_return(self) -> bool:
        """Whether the return on the extra spend is known with a standard error."""
        return _known(self.iroas) and _known(self.iroas_se) and (self.iroas_se or 0.0) > 0

    @property
    def inflation(self) -> float:
        """Factor >= 1 on the standard errors, by the grade."""
        return INFLATION[self.grade]

    @property
    def quality(self) -> float:
        """The same as a share of the precision, in (0, 1]: 1 / inflation squared."""
        return 1 / INFLATION[self.grade] ** 2


@dataclass(frozen=True)
class DeliveredFigures:
    """A result as its owner reported it: value with a standard error or an interval at `level`, on `estimand`'s scale.

    `spend` is the extra spend of the test, None where it is not known.
    """

    estimand: Estimand
    value: float
    se: float | None
    low: float | None
    high: float | None
    level: float
    spend: float | None


def lift_contract(result: LiftResult, scope: ExperimentScope, *, money_per_kpi: float | None) -> LiftContract:
    """The contract of a test that was read here. `money_per_kpi` values one unit of the KPI; None if not stated."""
    iroas = _in_money(result.iroas, money_per_kpi)
    low, high = _in_money(result.iroas_low, money_per_kpi), _in_money(result.iroas_high, money_per_kpi)
    half_width = None
    if low is not None and high is not None and isfinite(low) and isfinite(high):
        half_width = abs(high - low) / 2
    return LiftContract(
        **vars(scope),
        estimand="incremental_revenue" if scope.kpi == "revenue" else "incremental_kpi",
        effect=result.effect,
        low=result.low,
        high=result.high,
        effect_se=result.se,
        spend=result.spend,
        iroas=iroas,
        iroas_low=low,
        iroas_high=high,
        iroas_se=None if half_width is None else half_width / normal_quantile(result.level),
        level=result.level,
        verdict=result.verdict,
        grade=result.grade,
        data_sha256=result.data_sha256,
    )


def delivered_contract(
    figures: DeliveredFigures, scope: ExperimentScope, *, money_per_kpi: float | None
) -> LiftContract:
    """The contract of a test that came with its result: its owner's numbers, graded by its design.

    Incremental money or KPI becomes an iROAS where the extra spend is known, an iROAS an effect in money. A marginal
    return is another quantity than the average one, so it stays without an iROAS.
    """
    quantile = normal_quantile(figures.level)
    se = figures.se
    if se is None and figures.low is not None and figures.high is not None:
        se = (figures.high - figures.low) / 2 / quantile
    half_width = None if se is None else se * quantile
    scale = _iroas_per_value(figures, money_per_kpi)
    iroas = None if scale is None else figures.value * scale
    reach = None if scale is None or half_width is None else abs(half_width * scale)
    total = figures.estimand in ("incremental_revenue", "incremental_kpi")
    if total:
        effect: float | None = figures.value
    else:
        effect = figures.value * figures.spend if figures.spend and figures.estimand == "iroas" else None
    return LiftContract(
        **vars(scope),
        estimand=figures.estimand,
        effect=effect,
        low=figures.value - half_width if total and half_width is not None else None,
        high=figures.value + half_width if total and half_width is not None else None,
        effect_se=se if total else None,
        spend=figures.spend,
        iroas=iroas,
        iroas_low=None if iroas is None or reach is None else iroas - reach,
        iroas_high=None if iroas is None or reach is None else iroas + reach,
        iroas_se=None if reach is None else reach / quantile,
        level=figures.level,
        verdict="valid",
        grade=GRADE_OF_DESIGN.get(scope.design, "C"),
    )


def _iroas_per_value(figures: DeliveredFigures, money_per_kpi: float | None) -> float | None:
    """What the delivered value is multiplied with to be an iROAS; None where it cannot become one."""
    if figures.estimand == "iroas":
        return 1.0
    if figures.estimand == "mroas" or not figures.spend:
        return None
    if figures.estimand == "incremental_revenue":
        return 1 / figures.spend
    return None if money_per_kpi is None else money_per_kpi / figures.spend


def _in_money(kpi_per_spend: float | None, money_per_kpi: float | None) -> float | None:
    return None if kpi_per_spend is None or money_per_kpi is None else kpi_per_spend * money_per_kpi


def _known(figure: float | None) -> bool:
    return figure is not None and isfinite(figure)
