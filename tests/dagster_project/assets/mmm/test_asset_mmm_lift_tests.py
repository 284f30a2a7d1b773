"""Tests of a run become evidence for the model: what the control would have spent, and why a test stays out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import duckdb
import numpy as np
import polars as pl
import pytest

from dagster_project.assets.experiments.contracts import lift_contracts
from dagster_project.assets.mmm import lift_tests
from dagster_project.warehouse import tables
from models.incrementality import LiftContract
from models.mmm import Experiment, MMMData

BEGIN = date(2025, 1, 6)
WINDOW = {"start_day": BEGIN + timedelta(weeks=30), "end_day": BEGIN + timedelta(weeks=34, days=-1)}
TEST = {
    "run_id": "r",
    "experiment_id": "t",
    "channels": ["a"],
    "geos": ["n"],
    "effect": 900.0,
    "effect_se": 100.0,
    "grade": "B",
    "inflation": 1.25,
    "spend": 400.0,
    "verdict": "valid",
    "kpi": "revenue",
    "cooldown_end": WINDOW["end_day"],
    **WINDOW,
}


@pytest.fixture(scope="module")
def data() -> MMMData:
    """Two regions, one channel: 200 a week in each, 300 in the north in the four weeks from week 30."""
    rng = np.random.default_rng(1)
    weeks = [BEGIN + timedelta(weeks=w) for w in range(60)]
    frame = pl.DataFrame(
        {
            "date": weeks * 2,
            "geo": ["n"] * 60 + ["s"] * 60,
            "a": [300.0 if 30 <= w < 34 else 200.0 for w in range(60)] + [200.0] * 60,
            "kpi": 1000 + rng.normal(0, 20, 120),
        }
    )
    return MMMData.from_frame(frame, date="date", kpi="kpi", spend={"a": "a"}, geo="geo")


def stored(**changed: object) -> list[LiftContract]:
    con = duckdb.connect()
    con.execute("create schema measurement; create schema marts")
    con.execute("create table marts.experiment_panel (experiment_id varchar, geo varchar, day date, spend double)")
    con.execute("create table marts.experiment (experiment_id varchar, geos varchar[], start_day date, end_day date)")
    con.execute(f"create table measurement.experiment ({tables.TABLES['measurement.experiment']})")
    row = {**TEST, **changed}
    names, marks = ", ".join(row), ", ".join("?" for _ in row)
    con.execute(f"insert into measurement.experiment ({names}) values ({marks})", list(row.values()))
    return lift_contracts(con, "r")


def test_a_heavy_up_knows_what_its_control_would_have_spent(data: MMMData) -> None:
    (test,), left_out = lift_tests.tests_for(stored(), data, "revenue", date(2026, 3, 1))
    assert left_out == {}
    # 1,200 were spent in the window, 400 of them for the test.
    assert test.control_share == pytest.approx(800 / 1200)
    assert (test.value, test.se, test.geos) == (900.0, 100.0, ("n",))
    assert test.inflation > 1.25  # an older test says less about today


def test_dark_regions_are_compared_with_the_money_withheld(data: MMMData) -> None:
    spend = data.spend.copy()
    spend[0, 30:34] = 0.0
    from dataclasses import replace

    dark = replace(data, spend=spend)
    (test,), _ = lift_tests.tests_for(stored(spend=-800.0, effect=-700.0), dark, "revenue", date(2026, 3, 1))
    assert (test.control_spend, test.control_share, test.value) == (800.0, 0.0, -700.0)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        pytest.param({"verdict": "invalid"}, "the test is invalid", id="invalid"),
        pytest.param({"kpi": "leads"}, "it measured leads, the model explains revenue", id="another KPI"),
        pytest.param({"channels": ["radio"]}, "radio is not a paid channel", id="unknown channel"),
        pytest.param({"effect_se": None}, "no lift with a standard error", id="no error"),
        pytest.param({"spend": 0.0}, "money that made the difference", id="no money"),
        pytest.param({"geos": ["west"]}, "the model sees all regions together", id="unknown region"),
        pytest.param({"start_day": date(2024, 5, 6)}, "it began before", id="too old"),
        pytest.param({"end_day": date(2026, 12, 1)}, "it had not ended", id="still running"),
    ],
)
def test_a_test_that_cannot_speak_to_the_model_says_why(data: MMMData, changed: dict, reason: str) -> None:
    tests, left_out = lift_tests.tests_for(stored(**changed), data, "revenue", date(2026, 3, 1))
    assert tests == ()
    assert reason in left_out["t"]
    assert lift_tests.table(None, left_out)["verdict"].to_list() == ["left out"]


def test_the_tables_hold_what_the_asset_writes() -> None:
    columns = tables.TABLES["measurement.mmm_experiment"]
    shown = lift_tests.table(None, {"t": "why"})
    assert all(name in columns for name in shown.columns)


def test_a_test_is_placed_where_it_ran_to_ask_what_its_return_would_have_read(data: MMMData) -> None:
    placed = lift_tests.experiment_of_return(stored(iroas=2.0, se=0.3)[0], data)
    assert isinstance(placed, Experiment)
    assert (placed.estimand, placed.geos) == ("iroas", ("n",))
    assert placed.control_share == pytest.approx(800 / 1200)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        pytest.param({"geos": [], "spend": -400.0}, "does not say where it ran", id="regions not named"),
        pytest.param({"geos": ["elsewhere"]}, "ran in regions", id="regions that the model does not see"),
        pytest.param({"channels": ["a", "b"]}, "one paid channel", id="two channels"),
        pytest.param({"spend": None}, "money", id="spend not known"),
        pytest.param({"start_day": BEGIN - timedelta(weeks=9)}, "outside the model's data", id="before the data"),
    ],
)
def test_a_test_that_the_model_cannot_place_is_not_read_as_a_change_of_all_spend(
    data: MMMData, changed: dict[str, object], why: str
) -> None:
    """A switch-off of unnamed regions, put on the spend of all of them, would read the return of the next unit."""
    reason = lift_tests.experiment_of_return(stored(**changed)[0], data)
    assert isinstance(reason, str)
    assert why in reason


def test_a_test_everywhere_is_placed_when_it_spent_what_the_data_hold(data: MMMData) -> None:
    (contract,) = stored(geos=[])
    whole = replace(contract, tested_spend=300.0 * 4 + 200.0 * 4)
    assert isinstance(lift_tests.experiment_of_return(whole, data), Experiment)
    part = replace(contract, tested_spend=300.0 * 4)
    assert isinstance(lift_tests.experiment_of_return(part, data), str)
