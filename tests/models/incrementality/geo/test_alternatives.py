"""Readings on request, and neighbours on the calendar."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from models.incrementality import Neighbour, PanelError, read_geo
from models.incrementality.geo.simulated import FIRST_MONDAY, SimulatedTest, textbook

START, END = FIRST_MONDAY + timedelta(days=90), FIRST_MONDAY + timedelta(days=104)


def spent(iroas: float, treated: int = 8) -> pl.DataFrame:
    """Twenty geos, every other of the middle ones treated; spend is a tenth of the KPI and returns `iroas`."""
    sim = textbook("A1", 3, 0.0)
    kpi = sim.kpi + 0.0
    spend = np.zeros_like(kpi)
    rows = np.arange(2, 2 + 2 * treated, 2)
    spend[rows, 90:] = 0.1 * sim.kpi[rows, :90].mean(axis=1, keepdims=True)
    kpi += iroas * spend
    return SimulatedTest(kpi, 2, 90, sim.kpi[2]).frame().with_columns(spend=pl.Series(spend.ravel()))


GEOS = [f"g{row:02d}" for row in range(2, 18, 2)]


@pytest.mark.parametrize("method", ["gbr", "trimmed_match"])
def test_returns_are_read_from_spend_by_geo(method):
    result = read_geo(spent(6.0), GEOS, start=START, end=END, seed=1, method=method, level=0.95)
    assert result.method == method
    assert result.iroas_low < 6 < result.iroas_high
    assert (result.low, result.high) == pytest.approx(
        (result.iroas_low * result.effect / result.iroas, result.iroas_high * result.effect / result.iroas)
    )
    assert result.significant == (result.p_value <= 0.05)
    with pytest.raises(PanelError, match="needs a column spend"):
        read_geo(spent(6.0).drop("spend"), GEOS, start=START, end=END, seed=1, method=method)


def test_blocks_in_time_agree_with_their_own_p_value():
    lifted = []
    for iteration in range(12):
        sim = textbook("A1", iteration, 0.3 * (iteration % 2))
        result = read_geo(
            sim.frame(), [f"g{sim.treated:02d}"], start=START, end=END, seed=1, method="sc_log", inference="blocks"
        )
        codes = {warning.code for warning in result.warnings}
        if "disconnected_interval" not in codes and "empty_interval" not in codes:
            assert (result.low <= 0 <= result.high) == (result.p_value > 0.1)
        assert "block permutation" in result.inference
        assert result.other_form["form"] == "placebo"
        lifted += [result.effect] if iteration % 2 else []
    assert np.median(lifted) > 0


def test_a_test_beside_this_one_is_named_when_it_sets_geos_apart():
    frame = textbook("A1", 5, 0.2).frame()
    ask = {"start": START, "end": END, "seed": 1}
    promotion = Neighbour("spring sale", START, END)
    other = Neighbour("radio test", END - timedelta(days=2), END + timedelta(days=20), geos=("g03", "g04"))
    gone = Neighbour("old test", START - timedelta(days=30), START - timedelta(days=20), geos=("g03",))
    result = read_geo(frame, ["g03"], neighbours=[promotion, other, gone], **ask)
    told = {warning.subject: warning for warning in result.warnings}
    assert told["radio test"].code == "contaminated_by_other_test"
    assert "tested geos (g03)" in told["radio test"].message
    assert told["spring sale"].severity == "low"
    assert "old test" not in told
    with pytest.raises(ValueError, match="ends on 2024-01-01, before it starts"):
        Neighbour("wrong", date(2024, 2, 1), date(2024, 1, 1))
