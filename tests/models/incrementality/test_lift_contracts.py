"""What a test hands on: totals in named units, errors from the calibrated interval, one rule for its quality."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from math import inf

import polars as pl
import pytest

from models.incrementality import (
    DeliveredFigures,
    ExperimentScope,
    LiftResult,
    delivered_contract,
    lift_contract,
)

Z90 = 1.6448536269514722
SCOPE = ExperimentScope(
    test_id="spring",
    channels=("search",),
    geos=("north", "west"),
    design="geo_quasi",
    start=date(2026, 3, 2),
    end=date(2026, 3, 29),
    cooldown_end=date(2026, 4, 12),
    kpi="revenue",
)
RESULT = LiftResult(
    effect=900.0,
    low=735.5146,
    high=1064.4854,
    level=0.9,
    relative=0.1,
    relative_low=0.08,
    relative_high=0.12,
    att=11.0,
    p_value=0.01,
    iroas=1.8,
    iroas_low=1.4,
    iroas_high=2.3,
    verdict="valid",
    warnings=(),
    method="sdid_log",
    reasons=("clear",),
    grade="B",
    se=100.0,
    design="geo",
    inference="placebos",
    actual=9_900.0,
    counterfactual=9_000.0,
    seed=1,
    data_sha256="d" * 64,
    spend=500.0,
    curves=pl.DataFrame(),
)


def delivered(**changed: object) -> DeliveredFigures:
    figures = DeliveredFigures("incremental_revenue", 1_000.0, 200.0, None, None, 0.9, 400.0)
    return replace(figures, **changed)  # type: ignore[arg-type] - the parametrised tests name the fields


def test_a_read_test_hands_on_totals_with_the_calibrated_error():
    contract = lift_contract(RESULT, SCOPE, money_per_kpi=1.0)
    assert (contract.effect, contract.effect_se, contract.spend) == (900.0, 100.0, 500.0)
    assert (contract.iroas, contract.iroas_low, contract.iroas_high) == (1.8, 1.4, 2.3)
    assert contract.iroas_se == pytest.approx(0.45 / Z90)
    assert (contract.estimand, contract.channel, contract.usable) == ("incremental_revenue", "search", True)
    assert contract.has_lift
    assert contract.has_return


def test_a_return_is_money_per_money_or_not_known():
    leads = replace(SCOPE, kpi="leads")
    valued = lift_contract(RESULT, leads, money_per_kpi=50.0)
    assert (valued.iroas, valued.iroas_se) == (90.0, pytest.approx(22.5 / Z90))
    assert (valued.effect, valued.estimand) == (900.0, "incremental_kpi")
    unvalued = lift_contract(RESULT, leads, money_per_kpi=None)
    assert unvalued.iroas is None
    assert not unvalued.has_return
    assert unvalued.has_lift


@pytest.mark.parametrize(("low", "high"), [(-inf, inf), (0.5, inf)])
def test_a_return_that_the_data_cannot_bound_has_no_error(low, high):
    contract = lift_contract(replace(RESULT, iroas_low=low, iroas_high=high), SCOPE, money_per_kpi=1.0)
    assert (contract.iroas, contract.iroas_se, contract.has_return) == (1.8, None, False)


@pytest.mark.parametrize(("grade", "inflation", "quality"), [("A", 1.0, 1.0), ("B", 1.25, 0.64), ("C", 1.5, 4 / 9)])
def test_inflation_and_quality_are_one_rule(grade, inflation, quality):
    contract = lift_contract(replace(RESULT, grade=grade), SCOPE, money_per_kpi=1.0)
    assert (contract.inflation, contract.quality) == (inflation, pytest.approx(quality))
    assert contract.quality == pytest.approx(1 / contract.inflation**2)


def test_an_invalid_test_and_a_test_of_several_channels_say_so():
    contract = lift_contract(
        replace(RESULT, verdict="invalid"), replace(SCOPE, channels=("search", "video")), money_per_kpi=1.0
    )
    assert not contract.usable
    assert contract.channel is None


@pytest.mark.parametrize(
    ("changed", "effect", "effect_se", "iroas", "iroas_se"),
    [
        pytest.param({}, 1_000.0, 200.0, 2.5, 0.5, id="revenue over spend"),
        pytest.param(
            {"se": None, "low": 1_000 - 200 * Z90, "high": 1_000 + 200 * Z90},
            1_000.0,
            200.0,
            2.5,
            0.5,
            id="the error from the interval",
        ),
        pytest.param({"spend": -400.0, "value": -1_000.0}, -1_000.0, 200.0, 2.5, 0.5, id="spend withheld"),
        pytest.param({"spend": None}, 1_000.0, 200.0, None, None, id="no spend, no return"),
        pytest.param({"spend": 0.0}, 1_000.0, 200.0, None, None, id="no extra spend, no return"),
        pytest.param({"se": None}, 1_000.0, None, 2.5, None, id="no error"),
        pytest.param({"estimand": "iroas", "value": 2.5, "se": 0.5}, 1_000.0, None, 2.5, 0.5, id="a return"),
        pytest.param({"estimand": "mroas", "value": 2.5, "se": 0.5}, None, None, None, None, id="a marginal return"),
        pytest.param({"estimand": "incremental_kpi", "value": 10.0, "se": 2.0}, 10.0, 2.0, 0.5, 0.1, id="leads at 20"),
    ],
)  # fmt: skip - one case per line reads as a table
def test_a_delivered_result_keeps_its_owners_numbers(changed, effect, effect_se, iroas, iroas_se):
    contract = delivered_contract(delivered(**changed), SCOPE, money_per_kpi=20.0)
    figures = (contract.effect, contract.effect_se, contract.iroas, contract.iroas_se)
    for figure, expected in zip(figures, (effect, effect_se, iroas, iroas_se), strict=True):
        assert figure == (None if expected is None else pytest.approx(expected))
    assert (contract.grade, contract.verdict) == ("B", "valid")


def test_a_kpi_without_a_value_gives_no_return():
    contract = delivered_contract(delivered(estimand="incremental_kpi"), SCOPE, money_per_kpi=None)
    assert (contract.effect, contract.iroas) == (1_000.0, None)


def test_days_out_of_order_are_refused_by_name():
    with pytest.raises(ValueError, match="test spring: its end 2026-03-01 is before its start 2026-03-02"):
        replace(SCOPE, end=date(2026, 3, 1))
