"""Rates of AI answers against hand-counted and simulated truth."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from models.visibility import Panel, metrics, warnings
from models.visibility.intervals import clustered_rate, wilson

MONDAY = date(2026, 11, 2)


def small_panel(prompts: int = 3) -> Panel:
    return Panel(
        pl.DataFrame({"prompt_id": [f"q{i}" for i in range(prompts)]}),
        pl.DataFrame(
            {
                "brand": ["Acme", "Rival", "Zorblax"],
                "kind": ["own", "competitor", "fictitious"],
                "domains": [["acme.com"], ["rival.com"], []],
            }
        ),
    )


def answer(prompt: str, replicate: int, status: str = "answered", **more: Any) -> dict[str, Any]:
    row = {
        "week": MONDAY,
        "day": MONDAY + timedelta(days=replicate),
        "engine": "openai",
        "surface": "api",
        "prompt_id": prompt,
        "replicate": replicate,
        "status": status,
        "brands": [],
        "cited": [],
    }
    return row | more


def frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    schema = {
        "week": pl.Date,
        "day": pl.Date,
        "replicate": pl.Int64,
        "brands": pl.List(pl.String),
        "cited": pl.List(pl.String),
    }
    return pl.DataFrame(rows, schema_overrides=schema)


HAND_COUNTED = [
    answer("q0", 0, brands=["Acme", "Rival"], cited=["acme.com", "news.com", "acme.com"]),
    answer("q0", 1, brands=["Rival"], cited=["rival.com"]),
    answer("q1", 0, brands=["Rival", "Acme"], cited=["news.com", "rival.com"]),
    answer("q1", 1, "no_search", brands=["Acme"], cited=[]),
    answer("q2", 0, brands=[], cited=["acme.com"]),
    answer("q2", 1, "timeout", brands=None, cited=None),
]


def value(found: pl.DataFrame, metric: str, brand: str = "Acme") -> float:
    return found.filter((pl.col("metric") == metric) & (pl.col("brand") == brand))["value"].item()


@pytest.mark.parametrize(
    ("metric", "brand", "expected"),
    [
        # Questions weigh the same, whatever the number of their captured answers: q0 1/2, q1 2/2, q2 0/1.
        pytest.param("mention_rate", "Acme", 0.5, id="named"),
        pytest.param("first_named", "Acme", (1 / 2 + 1 / 2 + 0) / 3, id="named first"),
        pytest.param("citation_rate", "Acme", (1 / 2 + 0 + 1) / 3, id="cited among searched answers"),
        pytest.param("citation_rate_ok", "Acme", (1 / 2 + 0 + 1) / 3, id="cited among captured answers"),
        # mean own citations per answer 1, 0, 1 over mean citations 2, 2, 1
        pytest.param("citation_share", "Acme", 2 / 5, id="own citations of all"),
        # mean Acme mentions 1/2, 1, 0; Rival 1, 1/2, 0
        pytest.param("share_of_voice", "Acme", 0.5, id="share of voice"),
        pytest.param("not_cited_others", "Acme", (1 / 2 + 1 / 2 + 0) / 3, id="searched and cited others"),
        pytest.param("not_cited_no_search", "all", (0 + 1 / 2 + 0) / 3, id="did not search"),
        pytest.param("not_cited_failed", "all", (0 + 0 + 1 / 2) / 3, id="not captured"),
        pytest.param("capture_rate", "all", (1 + 1 + 1 / 2) / 3, id="captured"),
        pytest.param("grounding_rate", "all", (1 + 1 / 2 + 1) / 3, id="searched"),
        pytest.param("false_mention", "Zorblax", 0.0, id="ghost brand"),
    ],
)
def test_each_metric_is_what_a_person_would_count(metric: str, brand: str, expected: float) -> None:
    assert value(metrics(frame(HAND_COUNTED), small_panel()), metric, brand) == pytest.approx(expected)


def test_cited_and_the_three_causes_of_not_cited_make_up_every_planned_answer() -> None:
    rows = [r for r in HAND_COUNTED if r["status"] != "no_search"] + [answer("q1", 1, "no_search", cited=None)]
    found = metrics(frame(rows), small_panel())
    causes = value(found, "not_cited_others") + sum(
        value(found, m, "all") for m in ("not_cited_no_search", "not_cited_failed")
    )
    planned_and_cited = (1 / 2 + 0 + 1 / 2) / 3  # q0 once of two, q1 never, q2 once of two
    assert causes + planned_and_cited == pytest.approx(1.0)


def test_a_surface_without_sources_gets_no_citation_rate_instead_of_zero() -> None:
    rows = [r | {"cited": None} for r in HAND_COUNTED]
    found = metrics(frame(rows), small_panel())
    assert not found.filter(pl.col("metric").str.contains("cit")).height
    assert value(found, "mention_rate") == pytest.approx(0.5)


def test_shares_of_voice_sum_to_one_and_every_range_holds_its_value() -> None:
    found = metrics(simulated(40, 5, 0.35, seed=1), small_panel(40))
    assert found.filter(pl.col("metric") == "share_of_voice")["value"].sum() == pytest.approx(1.0, abs=1e-9)
    ranged = found.filter(pl.col("low").is_not_null())
    assert ranged.height > 8
    assert ranged.filter((pl.col("low") > pl.col("value")) | (pl.col("value") > pl.col("high"))).height == 0
    assert found.filter(pl.col("n") <= 0).height == 0


def simulated(
    prompts: int, runs: int, mean: float, seed: int, engine: str = "openai", icc: float = 0.45
) -> pl.DataFrame:
    """Answers whose chance of naming Acme varies between questions (beta-binomial with the given ICC)."""
    rng = np.random.default_rng(seed)
    a, b = mean * (1 / icc - 1), (1 - mean) * (1 / icc - 1)
    rows = []
    for q, chance in enumerate(rng.beta(a, b, prompts)):
        for r in range(runs):
            brands = (["Acme"] if rng.random() < chance else []) + (["Rival"] if rng.random() < 0.5 else [])
            cited = ["acme.com"] * int(rng.random() < chance) + ["news.com"] * int(rng.integers(1, 4))
            rows.append(answer(f"q{q}", r, brands=brands, cited=cited, engine=engine))
    return frame(rows)


def test_ranges_cover_the_category_and_the_panel_as_often_as_they_say() -> None:
    """95 % ranges, 50 questions x 3 runs, mean .35, ICC .45; tolerance: 3 standard errors of 1,500 draws (.017)."""
    rng, mean, icc, runs, prompts = np.random.default_rng(7), 0.35, 0.45, 3, 50
    a, b = mean * (1 / icc - 1), (1 - mean) * (1 / icc - 1)
    category = panel = naive = 0
    half = []
    draws = 1500
    for _ in range(draws):
        chances = rng.beta(a, b, prompts)
        hits = rng.binomial(runs, chances).astype(float)
        r = clustered_rate(hits, np.full(prompts, 3.0), np.ones(prompts), np.arange(prompts), level=0.95, icc=icc)
        assert None not in (r.low, r.high, r.panel_low, r.panel_high)
        category += r.low <= mean <= r.high
        panel += r.panel_low <= chances.mean() <= r.panel_high
        low, high = wilson(hits.sum() / (runs * prompts), runs * prompts, 0.95)
        naive += low <= mean <= high
        half.append((r.high - r.low) / 2)
    assert category / draws == pytest.approx(0.95, abs=0.02)
    assert panel / draws == pytest.approx(0.95, abs=0.02)
    assert naive / draws < 0.88  # the usual interval: the reference simulation found .83
    assert np.mean(half) == pytest.approx(0.103, abs=0.003)


def test_repeats_make_the_panel_range_narrow_but_not_the_category_range() -> None:
    few = metrics(simulated(50, 3, 0.35, seed=3), small_panel(50)).filter(pl.col("metric") == "mention_rate")
    many = metrics(simulated(50, 7, 0.35, seed=3), small_panel(50)).filter(pl.col("metric") == "mention_rate")
    width = {
        name: [
            f.filter(pl.col("brand") == "Acme")[hi].item() - f.filter(pl.col("brand") == "Acme")[lo].item()
            for f in (few, many)
        ]
        for name, lo, hi in (("category", "low", "high"), ("panel", "panel_low", "panel_high"))
    }
    assert width["panel"][1] < 0.75 * width["panel"][0]
    assert width["category"][1] > 0.85 * width["category"][0]


def test_one_engine_is_never_decision_grade_and_three_good_ones_may_be() -> None:
    types = ["category", "use_case", "comparison", "alternatives", "constraint"]
    panel = small_panel(50)
    panel = Panel(panel.prompts.with_columns(type=pl.Series([types[i % 5] for i in range(50)])), panel.brands)
    answers = pl.concat(
        [simulated(50, 5, 0.4, seed=s, engine=e) for s, e in enumerate(["openai", "gemini", "perplexity"])]
    ).with_columns(model_family=pl.col("engine"))
    found = metrics(answers, panel, aa_passed=True).filter(
        pl.col("brand") == "Acme", pl.col("metric") == "mention_rate"
    )
    tiers = dict(found.select("engine", "tier").iter_rows())
    assert tiers == {
        "openai": "directional",
        "gemini": "directional",
        "perplexity": "directional",
        "all": "decision_grade",
    }
    untested = metrics(answers, panel).filter(pl.col("engine") == "all")
    assert set(untested["tier"].to_list()) == {"directional"}
    assert "citation_share" not in untested["metric"].to_list()


def test_too_few_questions_say_so() -> None:
    found = metrics(frame(HAND_COUNTED), small_panel())
    assert set(found["tier"].to_list()) == {"insufficient"}


def test_brand_prompts_are_recall_and_stay_out_of_the_headline() -> None:
    panel = small_panel()
    panel = Panel(panel.prompts.with_columns(branded=pl.col("prompt_id") == "q1"), panel.brands)
    found = metrics(frame(HAND_COUNTED), panel)
    assert value(found, "mention_rate") == pytest.approx((1 / 2 + 0) / 2)
    assert value(found, "recall_rate") == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        pytest.param([answer("q0", 0), answer("q0", 0)], "twice", id="the same answer twice"),
        pytest.param([answer("q9", 0)], "q9", id="a question outside the panel"),
        pytest.param([answer("q0", 0, "fine")], "fine", id="an unknown status"),
        pytest.param([answer("q0", 0, day=date(2026, 11, 9))], "2026-11-09", id="a day of another week"),
    ],
)
def test_a_wrong_answer_row_is_named(rows: list[dict[str, Any]], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        metrics(frame(rows), small_panel())


def test_missing_captures_new_models_and_ghosts_are_warned_of() -> None:
    rows = [r | {"model_family": "m2" if r["prompt_id"] == "q2" else "m1"} for r in HAND_COUNTED]
    rows[0]["brands"] = ["Zorblax"]
    assert [w.code for w in warnings(frame(rows), small_panel())] == [
        "answers_not_captured",
        "model_changed",
        "fictitious_brand_named",
    ]
