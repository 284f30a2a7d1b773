"""Two trackers that differ by chance are left alone, two that differ by more are named with the reasons."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from models.visibility.trackers import disagreements, engine_of, tracker_rates

SCHEMA: dict[str, Any] = {
    **dict.fromkeys(("tracker", "engine", "surface", "brand", "prompt_id", "measure"), pl.String),
    "day": pl.Date,
    **dict.fromkeys(("numerator", "denominator", "value"), pl.Float64),
}


def row(tracker: str, hits: float | None, n: float | None, **more: Any) -> dict[str, Any]:
    told = {"tracker": tracker, "engine": "ChatGPT", "surface": "import", "brand": "Acme", "measure": "mention_rate"}
    told |= {"day": date(2026, 11, 4), "numerator": hits, "denominator": n, "value": None, "prompt_id": None}
    return told | more


def rates(*rows: dict[str, Any]) -> pl.DataFrame:
    return tracker_rates(pl.DataFrame(list(rows), schema=SCHEMA))


def test_counts_get_a_range_that_respects_repeated_questions() -> None:
    """100 answers to 20 questions: design effect 1 + 4 * .45 = 2.8."""
    found = rates(*(row("peec", 2, 5, prompt_id=f"q{i}") for i in range(20))).row(0, named=True)
    assert (found["value"], found["effective"]) == (0.4, pytest.approx(100 / 2.8))
    assert found["low"] < 0.4 < found["high"]
    assert (found["engine"], found["week"], found["tier"]) == ("openai", date(2026, 11, 2), "exploratory")


def test_a_share_without_counts_has_no_range() -> None:
    found = rates(row("profound", None, None, value=0.31)).row(0, named=True)
    assert (found["value"], found["low"], found["tier"]) == (0.31, None, "exploratory")


@pytest.mark.parametrize(
    ("hits", "n", "verdict"),
    [
        pytest.param(33.0, 100.0, "within_sampling", id="three points apart"),
        pytest.param(600.0, 1000.0, "beyond_sampling", id="thirty points apart"),
        pytest.param(None, None, "no_counts", id="no counts"),
    ],
)
def test_disagreement_is_told_from_chance(hits: float | None, n: float | None, verdict: str) -> None:
    value = None if hits else 0.6
    pair = disagreements(rates(row("otterly", hits, n, value=value, surface="ui_logged_out"), row("peec", 300, 1000)))
    (found,) = pair.iter_rows(named=True)
    assert found["verdict"] == verdict
    assert "different surfaces" in found["why"]


def test_other_brands_and_engines_are_not_paired() -> None:
    found = rates(row("peec", 30, 100), row("otterly", 90, 100, brand="Rival"), row("x", 90, 100, engine="Claude"))
    assert disagreements(found).height == 0


def test_names_of_engines() -> None:
    names = ("chatgpt-scraper", "Claude Sonnet", "google-ai-overview", "sonar-pro", "Kagi")
    assert [engine_of(n) for n in names] == ["openai", "anthropic", "google_ai_overview", "perplexity", "kagi"]
