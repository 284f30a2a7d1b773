"""Geo reads against known truth, and the laws that hold for any panel."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from models.incrementality import PanelError, design_geo, look_geo, read_cells, read_geo, read_staggered
from models.incrementality.geo.simulated import (
    FIRST_MONDAY,
    SimulatedTest,
    heterogeneous,
    heterogeneous_group,
    textbook,
)


def read(sim: SimulatedTest, frame: pl.DataFrame | None = None, **changes: object):
    window = {
        "start": FIRST_MONDAY + timedelta(days=sim.pre),
        "end": FIRST_MONDAY + timedelta(days=sim.kpi.shape[1] - 1),
        "seed": 1,
    } | changes
    return read_geo(sim.frame() if frame is None else frame, [f"g{sim.treated:02d}"], **window)


def test_a_null_experiment_shows_nothing_and_a_true_lift_is_covered():
    """40 panels each: at 90 % some 4 may miss; 10 or more would happen once in 200 suites of a calibrated read."""
    null = [read(heterogeneous(i, 0.0)) for i in range(40)]
    lifted = [(heterogeneous(i, 0.3), read(heterogeneous(i, 0.3))) for i in range(40)]
    assert sum(result.low <= 0 <= result.high for result in null) > 30
    assert np.median([result.p_value for result in null]) > 0.3
    assert sum(result.low <= 15 * sim.truth <= result.high for sim, result in lifted) > 30
    assert np.mean([result.significant for _, result in lifted]) > 0.6


def test_p_value_and_interval_never_contradict_each_other():
    for i in range(60):
        for level in (0.8, 0.9, 0.95):
            result = read(textbook("A3" if i % 2 else "A1", i, 0.05 * (i % 4)), level=level)
            assert (result.low <= 0 <= result.high) == (result.p_value > 1 - level + 1e-12)


@pytest.mark.parametrize("method", ["did", "sc", "sc_ridge", "sdid_unit", "sdid", "asc", "tbr"])
def test_a_constant_added_to_any_geo_or_day_changes_no_effect(method):
    """Intercepts absorb the geo's constant; weights that sum to one absorb the day's, unless a slope (TBR) or a penalty
    scaled by day-to-day changes (ridge and SDID) looks at the day itself."""
    sim = textbook("A1", 3, 0.1)
    shift = np.random.default_rng(5).uniform(0, 3000, (sim.kpi.shape[0], 1))
    days = 0 if method not in ("did", "sc") else np.random.default_rng(6).uniform(0, 3000, (1, sim.kpi.shape[1]))
    moved = SimulatedTest(sim.kpi + shift + days, sim.treated, sim.pre, sim.untreated)
    assert read(moved, method=method).effect == pytest.approx(read(sim, method=method).effect, rel=1e-6)


@pytest.mark.parametrize(
    "method", ["did", "sc", "sc_ridge", "sdid_unit", "sdid", "asc", "tbr", "sc_log", "sdid_unit_log"]
)
@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_the_unit_of_the_kpi_does_not_matter(method, factor):
    sim = textbook("A1", 4, 0.1)
    scaled = SimulatedTest(sim.kpi * factor, sim.treated, sim.pre, sim.untreated * factor)
    mine, theirs = read(sim, method=method), read(scaled, method=method)
    assert theirs.effect == pytest.approx(mine.effect * factor, rel=1e-5)
    assert theirs.low == pytest.approx(mine.low * factor, rel=1e-5)
    assert theirs.p_value == pytest.approx(mine.p_value, abs=1e-6)


def test_the_choice_of_method_cannot_see_the_test_period():
    quiet, loud = textbook("A1", 5, 0.0), textbook("A1", 5, 0.9)
    assert read(quiet).selection.equals(read(loud).selection)


def test_two_reads_of_the_same_data_are_byte_identical():
    sim = textbook("A1", 6, 0.1)
    assert repr(read(sim)) == repr(read(sim, sim.frame().sample(fraction=1, shuffle=True, seed=1)))


def test_the_last_cumulated_day_is_the_reported_total():
    for method in ("sc", "sdid_unit_log"):
        result = read(textbook("A1", 7, 0.1), method=method)
        last = result.curves.row(-1, named=True)
        assert last["cumulative"] == pytest.approx(result.effect)
        assert last["cumulative_low"] == pytest.approx(result.low)
        assert last["cumulative_high"] == pytest.approx(result.high)


@pytest.mark.parametrize("size", [1, 2, 3, 6])
def test_any_number_of_treated_geos_goes_through_one_path(size):
    sim = textbook("A1", 8, 0.0)
    kpi = sim.kpi.copy()
    kpi[:size, sim.pre :] *= 1.5
    frame = SimulatedTest(kpi, 0, sim.pre, kpi[0]).frame()
    window = {"start": FIRST_MONDAY + timedelta(days=90), "end": FIRST_MONDAY + timedelta(days=104), "seed": 1}
    result = read_geo(frame, [f"g{row:02d}" for row in range(size)], level=0.99, **window)  # four panels, none may miss
    truth = float((kpi - sim.kpi).sum())
    assert result.low <= truth <= result.high
    assert result.att == pytest.approx(result.effect / (15 * size))


def with_spend(sim: SimulatedTest, paid: float, noise: float = 0.0) -> pl.DataFrame:
    draw = np.random.default_rng(2)
    spend = noise * draw.uniform(0.5, 1.5, sim.kpi.shape)
    spend[sim.treated, sim.pre :] += paid
    return sim.frame().with_columns(spend=pl.Series(spend.ravel()))


def test_iroas_with_certain_spend_is_the_lift_interval_over_spend():
    sim = textbook("A1", 9, 0.4)
    result = read(sim, with_spend(sim, 200.0), margin=0.5)
    assert result.spend == pytest.approx(15 * 200)
    assert (result.iroas, result.iroas_low, result.iroas_high) == pytest.approx(
        (result.effect / 3000, result.low / 3000, result.high / 3000)
    )
    assert result.profit == pytest.approx(0.5 * result.effect - 3000)
    assert result.profit_low == pytest.approx(0.5 * result.low - 3000)


def test_uncertain_spend_widens_iroas_and_spend_near_zero_leaves_it_unbounded():
    sim = textbook("A1", 9, 0.4)
    sure = read(sim, with_spend(sim, 200.0))
    unsure = read(sim, with_spend(sim, 200.0, noise=150.0))
    assert unsure.iroas_high - unsure.iroas_low > sure.iroas_high - sure.iroas_low
    lost = read(sim, with_spend(sim, 5.0, noise=400.0))
    assert (lost.iroas_low, lost.iroas_high) == (-np.inf, np.inf)
    assert "iroas_unbounded" in {warning.code for warning in lost.warnings}


def test_a_null_result_with_a_narrow_range_is_a_valid_result():
    result = read(textbook("A1", 11, 0.0), relevant_lift=0.6)
    assert (result.verdict, result.significant) == ("valid", False)
    assert "no relevant effect" in result.reasons[0]
    assert read(textbook("A1", 11, 0.0), relevant_lift=0.01).verdict == "inconclusive"


def test_controls_that_were_treated_too_make_the_read_invalid():
    sim = textbook("A1", 12, 0.2)
    spend = 100 * np.random.default_rng(1).uniform(0.9, 1.1, sim.kpi.shape)
    spend[:, sim.pre :] += 200
    result = read(sim, sim.frame().with_columns(spend=pl.Series(spend.ravel())))
    assert result.verdict == "invalid"
    assert "Spend in the controls changed" in result.reasons[0]


def test_a_geo_that_had_moved_away_before_the_test_is_invalid():
    sim = textbook("A1", 13, 0.0)
    kpi = sim.kpi.copy()
    kpi[sim.treated, 75:] *= 3
    result = read(SimulatedTest(kpi, sim.treated, sim.pre, sim.untreated))
    assert result.verdict == "invalid"
    assert "placebo_in_time" in {warning.code for warning in result.warnings}


@pytest.mark.slow
@pytest.mark.parametrize(("geos", "size"), [(12, 3), (12, 6), (16, 3)])
def test_several_treated_geos_among_few_are_covered(geos, size):
    """200 panels at 90 %: a share below .85 would happen once in 100 suites of a calibrated read."""
    inside = []
    for iteration in range(200):
        made = heterogeneous_group(iteration, geos, size, 0.1)
        frame = SimulatedTest(made.kpi, made.treated[0], made.pre, made.kpi[made.treated[0]]).frame()
        start = FIRST_MONDAY + timedelta(days=made.pre)
        window = {"start": start, "end": start + timedelta(days=made.kpi.shape[1] - made.pre - 1), "seed": 1}
        result = read_geo(frame, [f"g{row:02d}" for row in made.treated], **window)
        inside.append(result.low <= made.truth <= result.high)
    assert np.mean(inside) >= 0.85


@pytest.mark.slow
def test_p_value_and_interval_agree_on_a_thousand_panels():
    """Groups of one to four of eight to fourteen geos, both forms, all verdicts."""
    forms, verdicts = set(), set()
    for iteration in range(1_000):
        geos, size = 8 + iteration % 7, 1 + iteration % 4
        made = heterogeneous_group(iteration, geos, size, 0.05 * (iteration % 5), pre=40, days=10)
        frame = SimulatedTest(made.kpi, made.treated[0], made.pre, made.kpi[made.treated[0]]).frame()
        start = FIRST_MONDAY + timedelta(days=40)
        window = {"start": start, "end": start + timedelta(days=9), "seed": 1}
        level = (0.8, 0.9, 0.95)[iteration % 3]
        result = read_geo(frame, [f"g{row:02d}" for row in made.treated], level=level, **window)
        assert (result.low <= 0 <= result.high) == (result.p_value > 1 - level + 1e-12)
        assert result.low <= result.effect <= result.high
        forms.add(result.inference.split(",")[1])
        verdicts.add(result.verdict)
    assert forms == {" rank form", " t form"}
    assert verdicts == {"valid", "inconclusive", "invalid"}


def with_a_zero(days: int = 60, zero_on: int = 50, start: int = 45) -> dict[str, object]:
    """Twelve regions above zero, but for one control that sells nothing on a day of the test."""
    draw = np.random.default_rng(2)
    day = np.arange(days)
    kpi = draw.lognormal(6, 0.5, (12, 1)) * (1 + 0.3 * np.sin(day * 2 * np.pi / 7)) * draw.lognormal(0, 0.1, (12, days))
    kpi[5, zero_on] = 0
    dates = [FIRST_MONDAY + timedelta(days=int(d)) for d in day]
    names = np.repeat([f"r{row:02d}" for row in range(12)], days)
    frame = pl.DataFrame({"geo": names, "date": dates * 12, "kpi": kpi.ravel()})
    return {"panel": frame, "start": dates[start], "end": dates[-1], "seed": 1}


def test_a_zero_only_during_the_test_is_read_in_levels():
    asked = with_a_zero()
    result = read_geo(treated=["r01"], **asked)
    assert not result.method.endswith("_log")
    assert result.low <= 0 <= result.high
    assert all(not name.endswith("_log") for name in result.selection["candidate"])
    above = read_geo(treated=["r01"], **(asked | {"panel": asked["panel"].with_columns(pl.col("kpi") + 1)}))
    assert any(name.endswith("_log") for name in above.selection["candidate"])
    assert look_geo(treated=["r01"], looks=(0.5, 1), **asked).method in result.selection["candidate"]
    cells = read_cells(cells={"a": ["r01"], "b": ["r02"]}, **asked)
    assert not cells.method.endswith("_log")
    starts = {"r01": asked["start"], "r05": asked["start"] + timedelta(days=3)}
    assert not read_staggered(asked["panel"], starts, end=asked["end"], seed=1).method.endswith("_log")
    with pytest.raises(PanelError, match="method sc_log: logarithms need every KPI above zero"):
        read_geo(treated=["r01"], method="sc_log", **asked)


def test_a_plan_on_logarithms_meets_a_zero():
    """The plan is kept as far as it can be, and the departure is said."""
    asked = with_a_zero(days=150, zero_on=140, start=136)
    before = asked["panel"].filter(pl.col("date") < asked["start"])
    [design] = design_geo(before, duration=14, seed=1, sizes=(1,), candidates=500, count=1)
    design = replace(design, plan=replace(design.plan, method="sc_log"))
    result = read_geo(asked["panel"], design, start=asked["start"], end=asked["end"], seed=1)
    assert result.method == "sc"
    assert any("read in levels by sc" in w.message for w in result.warnings if w.code == "departs_from_plan")
