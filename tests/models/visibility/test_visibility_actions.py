"""What to do: the site that is cited without us comes first, the question that rivals own is listed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl

from models.visibility import Panel, competitive_set, prompt_gaps, source_opportunities
from models.visibility.opportunities import kind_of_site

MONDAY = date(2026, 11, 2)
PANEL = Panel(
    pl.DataFrame({"prompt_id": ["q0", "q1"]}),
    pl.DataFrame(
        {
            "brand": ["Acme", "Rival", "Other"],
            "kind": ["own", "competitor", "competitor"],
            "domains": [["acme.com"], [], []],
        }
    ),
)


def cited_answers() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Twelve answers a question over four weeks; g2 is cited on q0 without us, the blog with us, ours as well."""
    answers: list[dict[str, Any]] = []
    pages: list[dict[str, Any]] = []
    for prompt in ("q0", "q1"):
        for i in range(12):
            name = f"{prompt}-{i:02d}"
            own = prompt == "q1"
            row = {"answer_id": name, "engine": "e", "surface": "api", "prompt_id": prompt, "own": own, "weight": 1.0}
            row |= {"week": MONDAY + timedelta(weeks=i % 4), "brands": ["Rival"], "intent": "comparison"}
            answers.append(row)
            site = "g2.com" if prompt == "q0" else "blog.example"
            pages += [{"answer_id": name, "url": f"{site}/top", "domain": site}]
            pages += [{"answer_id": name, "url": "acme.com/a", "domain": "acme.com"}]
    return pl.DataFrame(answers), pl.DataFrame(pages)


def test_the_site_cited_without_us_ranks_first_with_its_evidence() -> None:
    answers, pages = cited_answers()
    found = source_opportunities(answers, pages, frozenset({"acme.com"}), seed=1)
    assert "acme.com" not in found["domain"].to_list()
    best = found.filter(pl.col("url") == "").row(0, named=True)
    assert (best["domain"], best["kind"], best["prompts"], best["competitors"]) == (
        "g2.com",
        "review_site",
        ["q0"],
        ["Rival"],
    )
    assert best["evidence"] == [f"q0-{i:02d}" for i in range(5)]
    assert best["persistence"] == 1.0
    assert best["p_own_given_cited"] == 0.0
    assert 0 < best["score_low"] < best["score"] <= best["winnability"]
    page = found.filter(pl.col("url") == "g2.com/top").row(0, named=True)
    assert page["citing_answers"] == 12
    blog = found.filter((pl.col("domain") == "blog.example") & (pl.col("url") == "")).row(0, named=True)
    assert blog["score"] < 0.1 * best["score"]  # we are named wherever it is cited
    assert found.equals(source_opportunities(answers, pages, frozenset({"acme.com"}), seed=1))


def test_nothing_cited_is_an_empty_list_and_no_error() -> None:
    answers, pages = cited_answers()
    assert source_opportunities(answers, pages.clear(), frozenset(), seed=1).height == 0
    assert source_opportunities(answers.clear(), pages.clear(), frozenset(), seed=1).height == 0


def test_kinds_of_sites() -> None:
    sites = ("g2.com", "reddit.com", "youtube.com", "health.gov.uk", "news.example")
    assert [kind_of_site(s) for s in sites] == ["review_site", "forum", "video", "public", "editorial"]
    assert kind_of_site("news.example", frozenset({"news.example"})) == "earned"


def panel_answers(named: dict[str, list[str]]) -> pl.DataFrame:
    rows = [
        (MONDAY, MONDAY + timedelta(days=i % 5), "e", "api", prompt, i, "answered", brands, ["x.com"])
        for prompt, brands in named.items()
        for i in range(10)
    ]
    names = ("week", "day", "engine", "surface", "prompt_id", "replicate", "status", "brands", "cited")
    schema = dict(zip(names, (pl.Date, pl.Date, pl.String, pl.String, pl.String, pl.Int64, pl.String), strict=False))
    lists = {"brands": pl.List(pl.String), "cited": pl.List(pl.String)}
    return pl.DataFrame(rows, schema=schema | lists, orient="row")


def test_a_gap_is_a_question_that_a_rival_owns_and_we_do_not() -> None:
    found = prompt_gaps(panel_answers({"q0": ["Rival"], "q1": ["Acme", "Rival"]}), PANEL)
    assert found.select("prompt_id", "rivals", "own_named").rows() == [("q0", ["Rival"], 0)]


def test_few_answers_are_no_gap() -> None:
    few = panel_answers({"q0": ["Rival"]}).filter(pl.col("replicate") == 0)
    assert prompt_gaps(few, PANEL).height == 0


def test_the_real_competitors_are_those_named_beside_us() -> None:
    found = competitive_set(panel_answers({"q0": ["Rival", "Acme"], "q1": ["Other"]}), PANEL)
    assert found.select("brand", "named", "with_us", "ahead_of_us").rows() == [
        ("Rival", 10, 10, 10),
        ("Other", 10, 0, 0),
    ]
    rival = found.row(0, named=True)
    assert rival["together"] == 1.0
    assert rival["low"] < 1.0
