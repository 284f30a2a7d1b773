"""The same-hour control: silent on independent draws, loud on a cache and on a broken reader, honest without data."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from models.visibility import engine_events, engine_noise, model_family, same_hour_control
from models.visibility.consistency import variance_shares
from models.visibility.panel import Panel

MONDAY = date(2026, 11, 2)
SCHEMA = {
    "week": pl.Date,
    "day": pl.Date,
    "engine": pl.String,
    "surface": pl.String,
    "prompt_id": pl.String,
    "replicate": pl.Int64,
    "status": pl.String,
    "brands": pl.List(pl.String),
    "cited": pl.List(pl.String),
    "requested_at": pl.Datetime,
    "model_family": pl.String,
}


def week_of_answers(kind: str, *, hours: int = 0, prompts: int = 60, start: date = MONDAY) -> pl.DataFrame:
    """Four days of single answers, and two on Monday that are `hours` apart and independent, equal or opposite."""
    rng, rows = np.random.default_rng(6), []
    for q in range(prompts):
        chance = rng.uniform(0.2, 0.8)
        for day in range(5):
            named = bool(rng.random() < chance)
            asked = datetime.combine(start + timedelta(days=day), datetime.min.time()) + timedelta(hours=8)
            drawn = [named]
            if day == 0:
                drawn.append({"independent": bool(rng.random() < chance), "cache": named, "broken": not named}[kind])
            for repeat, yes in enumerate(drawn):
                at = asked + timedelta(hours=hours * repeat, minutes=20 * repeat)
                brands = ["Acme"] if yes else ["Rival"]
                row = (start, at.date(), "e", "api", f"q{q}", repeat, "answered", brands, ["news.com"], at, "m1")
                rows.append(row)
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


@pytest.mark.parametrize(
    ("kind", "hours", "state", "hint"),
    [
        pytest.param("independent", 0, "passed", "same-hour pairs differ", id="independent draws"),
        pytest.param("cache", 0, "failed", "cache", id="a cache answers"),
        pytest.param("broken", 0, "failed", "broken reader", id="a reader that loses every other mention"),
        pytest.param("cache", 3, "not measured", "twice within an hour", id="no two answers within an hour"),
    ],
)
def test_the_control_tells_chance_from_a_fault(kind: str, hours: int, state: str, hint: str) -> None:
    control = same_hour_control(week_of_answers(kind, hours=hours), "Acme", MONDAY)
    assert control.state == state
    assert hint in control.message
    assert control.passed is {"passed": True, "failed": False, "not measured": None}[state]


def test_too_few_pairs_are_no_pass() -> None:
    assert same_hour_control(week_of_answers("cache", prompts=3), "Acme", MONDAY).state == "not measured"


@pytest.mark.parametrize(
    ("served", "family"),
    [
        pytest.param("openai/GPT-5-mini", "gpt-5-mini", id="prefix of a router"),
        pytest.param("gpt-5-mini-latest", "gpt-5-mini", id="floating name"),
        pytest.param("gpt-5-mini-2026-03-05", "gpt-5-mini-2026-03-05", id="a snapshot is a model of its own"),
        pytest.param("  ", None, id="not said"),
        pytest.param(None, None, id="missing"),
    ],
)
def test_the_model_that_answered(served: str | None, family: str | None) -> None:
    frame = pl.DataFrame({"served": [served]}, schema={"served": pl.String})
    assert frame.select(model_family(pl.col("served"))).item() == family


def test_a_change_of_model_is_an_event_of_its_first_day() -> None:
    later = week_of_answers("independent", start=MONDAY + timedelta(weeks=1)).with_columns(model_family=pl.lit("m2"))
    events = engine_events(pl.concat([week_of_answers("independent"), later]))
    assert events.rows() == [("e", "api", date(2026, 11, 9), "m1", "m2")]


def test_variance_from_sums_is_variance_from_all_pairs() -> None:
    """The counting formula against every pair, one by one."""
    answers = week_of_answers("independent", prompts=12)
    same, cross = [], []
    for _, part in answers.group_by("prompt_id"):
        rows = [(day, float("Acme" in brands)) for day, brands in part.select("day", "brands").iter_rows()]
        for i, (day, y) in enumerate(rows):
            for other, z in rows[i + 1 :]:
                (same if day == other else cross).append((y - z) ** 2 / 2)
    found = variance_shares(answers, "Acme").row(0, named=True)
    assert found["s2_run"] == pytest.approx(np.mean(same))
    assert found["s2_day"] == pytest.approx(max(0.0, float(np.mean(cross) - np.mean(same))))


def test_noise_is_usable_after_four_weeks_and_twenty_questions() -> None:
    panel = Panel(
        pl.DataFrame({"prompt_id": [f"q{i}" for i in range(25)]}),
        pl.DataFrame({"brand": ["Acme", "Rival"], "kind": ["own", "competitor"], "domains": [["acme.com"], []]}),
    )
    weeks = [week_of_answers("independent", prompts=25, start=MONDAY + timedelta(weeks=w)) for w in range(4)]
    assert engine_noise(pl.concat(weeks), panel)["usable"].to_list() == [True]
    young = engine_noise(pl.concat(weeks[:3]), panel).row(0, named=True)
    assert (young["usable"], young["answers"]) == (False, 3 * 25 * 6)
    assert young["noise_share"] + young["icc"] <= 1
