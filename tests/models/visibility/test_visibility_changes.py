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


def test_of_a_base_that_straddles_a_change_of_model_only_the_part_with_todays_model_counts() -> None:
    """Three weeks by m1 that never named us, one week and today by m2 that name us every other time: no change."""
    rng = np.random.default_rng(4)
    never, half = np.zeros(40), np.full(40, 0.5)
    old = window(FIRST, never, half, rng, weeks=3, family="m1")
    bridge = window(SECOND - timedelta(weeks=1), half, half, rng, family="m2")
    row = mention(change(pl.concat([old, bridge]), window(SECOND, half, half, rng, family="m2"), panel(40), seed=1))
    assert row["verdict"] == "within_noise"
    assert row["before"] == pytest.approx(0.5, abs=0.1)


def test_an_engine_that_was_not_asked_again_is_named_instead_of_dropped() -> None:
    rng, p = np.random.default_rng(4), np.full(40, 0.5)
    before, after = window(FIRST, p, p, rng), window(SECOND, p, p, rng)
    gone = before.with_columns(engine=pl.lit("gemini"))
    found = change(pl.concat([before, gone]), after, panel(40), seed=1)
    reasons = dict(found.filter(pl.col("metric") == "mention_rate").select("engine", "reason").iter_rows())
    assert reasons == {"openai": None, "gemini": "no answers after", "all": "gemini: no answers after"}


def test_several_engines_together_see_a_change_that_is_too_small_for_each() -> None:
    rng = np.random.default_rng(8)
    low, high = np.full(50, 0.30), np.full(50, 0.40)
    before = [window(FIRST, low, low, rng, weeks=4).with_columns(engine=pl.lit(e)) for e in ("a", "b", "c", "d")]
    after = [window(SECOND, high, low, rng).with_columns(engine=pl.lit(e)) for e in ("a", "b", "c", "d")]
    found = change(pl.concat(before), pl.concat(after), panel(50), seed=1)
    mde = dict(found.filter(pl.col("metric") == "mention_rate").select("engine", "mde").iter_rows())
    assert mde["all"] < 0.65 * min(mde[e] for e in "abcd")
    together = found.filter((pl.col("engine") == "all") & (pl.col("metric") == "mention_rate"))
    assert together["verdict"].item() == "moved_up"
    assert "citation_rate" not in found.filter(pl.col("engine") == "all")["metric"].to_list()


@pytest.mark.parametrize("share", [pytest.param(0.0, id="never named"), pytest.param(1.0, id="always named")])
def test_no_variation_at_all_is_not_taken_for_perfect_power(share: float) -> None:
    rng, p = np.random.default_rng(1), np.full(40, share)
    row = mention(change(window(FIRST, p, p, rng), window(SECOND, p, p, rng), panel(40), seed=1))
    assert row["verdict"] == "within_noise"
    assert row["mde"] == pytest.approx(7.9 / 200)  # six of forty questions must move; 200 answers now


def test_answers_read_by_other_rules_are_not_compared() -> None:
    rng, p = np.random.default_rng(1), np.full(40, 0.5)
    old, new = (
        window(start, p, p, rng).with_columns(extractor_version=pl.lit(v)) for start, v in ((FIRST, "1"), (SECOND, "2"))
    )
    assert "rules that find brands" in str(mention(change(old, new, panel(40), seed=1))["reason"])
