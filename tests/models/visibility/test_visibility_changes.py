"""The change rule: quiet when nothing moved, awake when something did, silent where windows cannot be compared."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from models.visibility import Panel, change

FIRST, SECOND = date(2026, 10, 5), date(2026, 11, 2)


def panel(prompts: int) -> Panel:
    brands = {"brand": ["Acme", "Rival"], "kind": ["own", "competitor"], "domains": [["acme.com"], ["rival.com"]]}
    return Panel(pl.DataFrame({"prompt_id": [f"q{i}" for i in range(prompts)]}), pl.DataFrame(brands))


def window(
    start: date, own: np.ndarray, rival: np.ndarray, rng: np.random.Generator, *, weeks: int = 1, family: str = "m1"
) -> pl.DataFrame:
    rows = []
    for q in range(len(own)):
        for week in range(weeks):
            for r in range(5):
                named = [b for b, p in (("Acme", own[q]), ("Rival", rival[q])) if rng.random() < p]
                monday = start + timedelta(weeks=week)
                rows.append((monday, monday + timedelta(days=r), f"q{q}", r, named, ["news.com"]))
    schema = {
        "week": pl.Date,
        "day": pl.Date,
        "prompt_id": pl.String,
        "replicate": pl.Int64,
        "brands": pl.List(pl.String),
        "cited": pl.List(pl.String),
    }
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(
        engine=pl.lit("openai"), surface=pl.lit("api"), status=pl.lit("answered"), model_family=pl.lit(family)
    )


def mention(found: pl.DataFrame) -> dict[str, object]:
    return found.filter(pl.col("metric") == "mention_rate").row(0, named=True)


def test_asking_again_alarms_no_more_often_than_promised_and_ten_points_are_found() -> None:
    """25 worlds each, 50 questions, base of four weeks: alarms at q < .10 stay rare, +10 points are usually seen."""
    rng = np.random.default_rng(11)
    alarms = found_up = 0
    for _ in range(25):
        chance = rng.beta(0.43, 0.79, 50)
        rival = rng.beta(0.6, 0.6, 50)
        before = window(FIRST, chance, rival, rng, weeks=4)
        same = mention(change(before, window(SECOND, chance, rival, rng), panel(50), seed=1))
        more = mention(change(before, window(SECOND, np.clip(chance + 0.13, 0, 1), rival, rng), panel(50), seed=1))
        alarms += same["verdict"] != "within_noise"
        found_up += more["verdict"] == "moved_up"
    assert alarms <= 6  # 10 % of 25 expected at most; 6 is beyond the 96th percentile of Binomial(25, .1)
    assert found_up >= 17  # the reference reaches .92 for +10 points; clipping at 1 costs some of the +13


def test_when_all_brands_rise_the_engine_moved() -> None:
    rng = np.random.default_rng(5)
    low, high = np.full(60, 0.2), np.full(60, 0.5)
    row = mention(change(window(FIRST, low, low, rng, weeks=4), window(SECOND, high, high, rng), panel(60), seed=1))
    assert row["verdict"] == "moved_up"
    assert row["excess_low"] < 0 < row["excess_high"]  # type: ignore[operator]
    assert "engine moved, not you" in str(row["reading"])


@pytest.mark.parametrize(
    ("family", "prompts", "reason"),
    [
        pytest.param("m2", 40, "model changed", id="another model answers"),
        pytest.param("m1", 12, "only 12 questions", id="too few questions in common"),
    ],
)
def test_windows_that_cannot_be_compared_get_no_verdict(family: str, prompts: int, reason: str) -> None:
    rng, p = np.random.default_rng(2), np.full(prompts, 0.1)
    found = change(window(FIRST, p, p, rng), window(SECOND, p + 0.8, p, rng, family=family), panel(prompts), seed=1)
    row = mention(found)
    assert row["verdict"] == "not_comparable"
    assert reason in str(row["reason"])
    assert row["q"] is None


def test_a_failed_control_silences_every_verdict() -> None:
    rng, p = np.random.default_rng(2), np.full(40, 0.1)
    found = change(window(FIRST, p, p, rng), window(SECOND, p + 0.8, p, rng), panel(40), seed=1, aa_passed=False)
    assert set(found["verdict"].to_list()) == {"not_comparable"}


def test_a_rare_event_is_judged_by_sign_flips_with_the_same_answer_for_the_same_seed() -> None:
    rng, p = np.random.default_rng(9), np.full(40, 0.02)
    before, after = window(FIRST, p, p, rng), window(SECOND, p, p, rng)
    first, second = (change(before, after, panel(40), seed=3) for _ in range(2))
    assert first.equals(second)
    assert mention(first)["verdict"] == "within_noise"
