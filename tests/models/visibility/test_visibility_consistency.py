"""Self-contradiction of engines: hand-made cases, a known mixture, and 792 public answers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from models.visibility import Panel, metrics, stability, variance_shares

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
}


def test_agreement_is_counted_within_and_across_days_and_empty_answers_are_left_out() -> None:
    rows = [
        (MONDAY, MONDAY, "e", "api", "q", 0, "answered", ["a", "b"], ["x.com"]),
        (MONDAY, MONDAY, "e", "api", "q", 1, "answered", ["a"], []),
        (MONDAY, MONDAY + timedelta(days=1), "e", "api", "q", 0, "answered", ["c"], ["x.com"]),
        (MONDAY, MONDAY + timedelta(days=1), "e", "api", "q", 1, "failed", None, None),
    ]
    found = {r["of"]: r for r in stability(pl.DataFrame(rows, schema=SCHEMA, orient="row")).iter_rows(named=True)}
    brands, domains = found["brands named"], found["domains cited"]
    assert (brands["same_day"], brands["cross_day"], brands["cross_day_pairs"]) == (0.5, 0.0, 2)
    assert brands["drift"] == 1.0
    assert (domains["same_day"], domains["cross_day"], domains["drift"]) == (None, 1.0, None)


def test_question_day_and_run_are_told_apart() -> None:
    """1,500 questions x 3 days x 2 answers; chance = question + day part. Tolerance: 4 sampling errors of moments."""
    rng = np.random.default_rng(3)
    rows = []
    for q in range(1500):
        base = rng.uniform(0.2, 0.8)
        for d in range(3):
            chance = base + rng.choice([-0.2, 0.2])
            for r in range(2):
                named = ["Acme"] if rng.random() < chance else []
                day = MONDAY + timedelta(days=d)
                rows.append((MONDAY, day, "e", "api", f"q{q}", r, "answered", named, []))
    (found,) = variance_shares(pl.DataFrame(rows, schema=SCHEMA, orient="row"), "Acme").iter_rows(named=True)
    prompt, day = 0.6**2 / 12, 0.04
    assert found["s2_prompt"] == pytest.approx(prompt, abs=0.008)
    assert found["s2_day"] == pytest.approx(day, abs=0.012)
    assert found["s2_run"] == pytest.approx(0.25 - prompt - day, abs=0.012)
    assert found["icc"] == pytest.approx(prompt / 0.25, abs=0.03)


BENCH = "citations/ai_product_bench/experiments/consumer-products/data"


def bench(folder: Path, engine: str) -> pl.DataFrame:
    """The public answers as rows of the panel; prompt = question set and wording, three runs each."""
    rows = []
    for run in (1, 2, 3):
        for line in (folder / "responses" / engine / f"run_{run}.jsonl").read_text("utf-8").splitlines():
            raw = json.loads(line)
            k = int(str(raw["query_id"]).removeprefix("query-")) - 2219
            ranked = sorted(raw["products_mentioned"], key=lambda p: p["rank"])
            brands = [re.sub("[^a-z0-9]", "", (p.get("brand") or "").lower()) for p in ranked]
            cited = [s["domain"].lower().removeprefix("www.") for s in raw["sources"]]
            status = "answered" if cited else "no_search"
            # Timestamps are those of the import, so runs count as repeats of one day.
            prompt = f"{k // 4}.{k % 4}"
            rows.append((MONDAY, MONDAY, engine, "import", prompt, run, status, [b for b in brands if b], cited))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


@pytest.mark.acceptance
@pytest.mark.parametrize(
    ("engine", "answers", "grounded", "brands", "brand_pairs", "domains", "domain_pairs"),
    [("chatgpt", 396, 142, 0.528, 365, 0.213, 71), ("google_ai_mode", 396, 395, 0.639, 390, 0.353, 394)],
)
def test_public_answers_contradict_themselves_as_published(
    shared_data: Callable[[str], Path],
    engine: str,
    answers: int,
    grounded: int,
    brands: float,
    brand_pairs: int,
    domains: float,
    domain_pairs: int,
) -> None:
    """Tolerance .001: the published figures have three digits."""
    found = bench(shared_data(BENCH), engine)
    assert (found.height, found.filter(pl.col("status") == "answered").height) == (answers, grounded)
    by_kind = {r["of"]: r for r in stability(found).iter_rows(named=True)}
    named, cited = by_kind["brands named"], by_kind["domains cited"]
    assert (named["same_day"], named["same_day_pairs"]) == (pytest.approx(brands, abs=0.001), brand_pairs)
    assert (cited["same_day"], cited["same_day_pairs"]) == (pytest.approx(domains, abs=0.001), domain_pairs)


@pytest.mark.acceptance
def test_metrics_read_the_public_answers(shared_data: Callable[[str], Path]) -> None:
    found = bench(shared_data(BENCH), "chatgpt")
    prompts = found.select("prompt_id").unique().with_columns(topic=pl.col("prompt_id").str.split(".").list.first())
    brands = pl.DataFrame(
        {"brand": ["apple", "bose"], "kind": ["own", "competitor"], "domains": [["apple.com"], ["bose.com"]]}
    )
    table = metrics(found, Panel(prompts, brands))
    rates = {(r["brand"], r["metric"]): r for r in table.iter_rows(named=True)}
    counted = found.select(pl.col("brands").list.contains("apple").mean()).item()
    assert rates["apple", "mention_rate"]["value"] == pytest.approx(counted)
    assert rates["all", "grounding_rate"]["value"] == pytest.approx(142 / 396)
    # Four wordings of one question are one draw of the category, so its range is much wider than the panel's.
    mention = rates["apple", "mention_rate"]
    assert mention["high"] - mention["low"] > 1.5 * (mention["panel_high"] - mention["panel_low"])
