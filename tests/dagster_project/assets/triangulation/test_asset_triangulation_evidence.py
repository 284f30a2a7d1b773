"""What of a test enters the triangulation, once, on the estimand of the report."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import duckdb
import numpy as np
import pytest

from dagster_project.assets.experiments.contracts import lift_contracts
from dagster_project.assets.triangulation import evidence
from dagster_project.assets.triangulation.mmm_draws import mmm_draws
from dagster_project.warehouse import tables
from models.channel_classes import CLASSES
from models.triangulation.estimand import carryover_share

START, END, MIDDLE = date(2026, 3, 2), date(2026, 3, 29), date(2026, 6, 30)


@pytest.fixture
def con():
    with duckdb.connect() as opened:
        for schema in ("measurement", "feedback", "marts"):
            opened.execute(f"create schema {schema}")
        tables.create_tables(opened)
        opened.execute(
            "create table marts.experiment_panel (experiment_id varchar, geo varchar, day date, spend double)"
        )
        opened.execute(
            "create table marts.experiment (experiment_id varchar, geos varchar[], start_day date, end_day date)"
        )
        yield opened


def tell(con: duckdb.DuckDBPyConnection, name: str, **columns: object) -> None:
    row = {
        "run_id": "r",
        "experiment_id": name,
        "channels": ["social"],
        "design": "geo_rct",
        "start_day": START,
        "end_day": END,
        "cooldown_end": END,
        "geos": ["a", "b"],
        "iroas": 2.0,
        "se": 0.4,
        "verdict": "valid",
        "grade": "B",
        "kpi": "revenue",
        "level": 0.9,
    } | columns
    con.execute(
        f"insert into measurement.experiment ({', '.join(row)}) values ({', '.join('?' * len(row))})",
        list(row.values()),
    )


def test_one_test_under_two_names_counts_once(con) -> None:
    tell(con, "first")
    tell(con, "second")
    tell(con, "elsewhere", geos=["c", "d"])
    rows, notes = evidence.experiment_rows(lift_contracts(con, "r"), MIDDLE, {}, {"social": "tv"})
    assert [r["method"] for r in rows] == ["elsewhere", "first"]
    assert [(w.subject, w.severity) for w in notes] == [("second", "medium")]
    assert {r["quality"] for r in rows} == {1 / 1.25**2}


@pytest.mark.parametrize(
    "columns", [{"verdict": "invalid"}, {"iroas": None}, {"se": float("inf")}, {"channels": ["a", "b"]}]
)
def test_what_cannot_speak_of_one_channel_is_named_instead(con, columns) -> None:
    tell(con, "odd", **columns)
    rows, notes = evidence.experiment_rows(lift_contracts(con, "r"), MIDDLE, {}, {"social": "tv"})
    assert rows == []
    assert [(w.code, w.subject) for w in notes] == [("experiment_not_combined", "odd")]


def test_effect_read_in_the_cool_down_is_not_called_missed(con) -> None:
    """The read window ends with the cool-down; without it the share would be too small and the return too large."""
    tell(con, "short")
    tell(con, "long", cooldown_end=date(2026, 4, 26), geos=["c"])
    rows, _ = evidence.experiment_rows(lift_contracts(con, "r"), MIDDLE, {}, {"social": "tv"})
    shares = {r["method"]: r["share_captured"] for r in rows}
    half_life = 7 * CLASSES["tv"].half_life_weeks
    assert shares == {"short": carryover_share(half_life, 28), "long": carryover_share(half_life, 28, 28)}
    assert shares["short"] < 0.6 < 0.75 < shares["long"]


def test_without_a_model_the_class_says_how_long_effects_last(con) -> None:
    """A four-week test of retargeting reads nearly all of its effect, one of TV not half of it."""
    tell(con, "one")
    contracts = lift_contracts(con, "r")
    by_class = {
        name: evidence.experiment_rows(contracts, MIDDLE, {}, {"social": name})[0][0]["share_captured"]
        for name in ("retargeting", "tv")
    }
    assert by_class["retargeting"] > 0.9
    assert by_class["tv"] < 0.55


def test_the_model_says_what_a_test_captured_and_the_row_states_the_median(con) -> None:
    tell(con, "one")
    draws = np.array([0.2, 0.9, 0.95, 1.0, 9.0])
    rows, _ = evidence.experiment_rows(lift_contracts(con, "r"), MIDDLE, {"one": draws}, {"social": "tv"})
    assert rows[0]["share_captured"] == 0.95


def test_a_model_that_saw_the_tests_is_no_second_witness() -> None:
    assert mmm_draws(SimpleNamespace(uses_experiments=True), []) is None  # type: ignore[arg-type]
    assert mmm_draws(None, []) is None
