"""The slots of a day, what the caps leave of them, and the preview of cost and power."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from dagster_project.asking.day_plan import slots_of, within_budget
from dagster_project.asking.ledger import opened
from dagster_project.asking.panel import Prompt, read_panel
from dagster_project.asking.preview import document
from dagster_project.asking.proposals import subject_of_page, subjects
from dagster_project.asking.spending import CapReached
from dagster_project.workspace.paths import Workspace
from tests.dagster_project.asking.asking_workspace import land_panel, settings_of

MONDAY, TUESDAY = date(2026, 11, 30), date(2026, 12, 1)
PROMPTS = [
    Prompt("p1", "One?", weight=1.0),
    Prompt("p2", "Two?", weight=3.0),
    Prompt("p3", "Three?", weight=2.0, engine="perplexity"),
    Prompt("p4", "Brand?", is_core=False),
]
PRICES = {"openai": Decimal("0.01"), "perplexity": Decimal("0.01")}


def test_every_engine_gets_its_prompts_and_the_first_day_adds_pairs_asked_together():
    panel = settings_of(sampling={"repeats": 2, "aa_prompts": 2}).ai
    tuesday = slots_of(TUESDAY, PROMPTS, panel)
    assert sum(s.engine == "openai" for s in tuesday) == 6
    assert sum(s.engine == "perplexity" for s in tuesday) == 8
    monday = slots_of(MONDAY, PROMPTS, panel)
    pairs = [s for s in monday if s.aa_pair]
    assert len(pairs) == 8
    assert all(s.prompt.is_core and s.replicate in (3, 4) for s in pairs)
    places = [monday.index(s) for s in pairs]
    assert all(b == a + 1 for a, b in zip(places[::2], places[1::2], strict=True))
    assert slots_of(MONDAY, PROMPTS[::-1], panel) == monday
    assert len({s.answer_id for s in (*monday, *tuesday)}) == len(monday) + len(tuesday)


def test_a_budget_drops_repeats_evenly_then_light_prompts_and_never_an_engine():
    slots = slots_of(TUESDAY, PROMPTS, settings_of(sampling={"repeats": 3, "aa_prompts": 0}).ai)
    kept, cut, cost = within_budget(slots, PRICES, Decimal("0.15"))
    assert (len(kept), cost) == (14, Decimal("0.14"))
    assert {s.replicate for s in cut} == {3}
    kept, cut, cost = within_budget(slots, PRICES, Decimal("0.045"))
    assert {s.prompt.prompt_id for s in kept} == {"p2", "p3"}
    assert {s.engine for s in kept} == {"openai", "perplexity"}
    assert cost == Decimal("0.03")
    assert len(kept) + len(cut) == len(slots)
    assert within_budget(slots, PRICES, Decimal(0))[0] == []


def test_reservations_of_unknown_outcome_stay_charged_and_every_cap_counts(tmp_path: Path):
    caps = settings_of(llm={"daily_cap": 1, "monthly_cap": 1.5, "purpose_caps": {"collect": 0.5}}).llm
    with opened(tmp_path) as ledger:
        first = ledger.reserve(caps, TUESDAY, model="m", estimate=Decimal("0.3"))
        ledger.settle(first, actual=Decimal("0.2"), source="provider")
        ledger.release(ledger.reserve(caps, TUESDAY, model="m", estimate=Decimal("0.3")))
        ledger.reserve(caps, TUESDAY, model="m", estimate=Decimal("0.3"))
        with pytest.raises(CapReached, match=r"llm\.purpose_caps\.collect: 0\.0000 .* 0\.1000"):
            ledger.reserve(caps, TUESDAY, model="m", estimate=Decimal("0.1"))
        with pytest.raises(CapReached, match=r"llm\.daily_cap"):
            ledger.reserve(caps, TUESDAY, model="m", estimate=Decimal("0.6"), purpose="extract")
        second = ledger.reserve(caps, date(2026, 12, 2), model="m", estimate=Decimal("0.9"), purpose="judge")
        ledger.settle(second, actual=Decimal("0.95"), source="provider")
        with pytest.raises(CapReached, match=r"llm\.monthly_cap"):
            ledger.reserve(caps, date(2026, 12, 3), model="m", estimate=Decimal("0.1"), purpose="judge")
    with opened(tmp_path) as ledger, pytest.raises(CapReached, match="collect"):
        ledger.reserve(caps, TUESDAY, model="m", estimate=Decimal("0.1"))


def test_the_preview_says_what_it_costs_and_what_it_can_tell(tmp_path: Path):
    land_panel(tmp_path)
    settings = settings_of(sampling={"aa_prompts": 1})
    found = document(TUESDAY, read_panel(tmp_path, settings), settings, None)
    openai, perplexity = found["engines"]
    assert (openai["answers_today"], openai["answers_per_week"], openai["core_prompts"]) == (3, 17, 2)
    assert found["today"]["cost_usd"] == 3 * Decimal("0.012") + 3 * Decimal("0.005")
    assert found["cost_per_week_usd"] == 17 * (Decimal("0.012") + Decimal("0.005"))
    assert perplexity["key"] == "PERPLEXITYAI_API_KEY"
    # 2 prompts, 5 runs: 2.8 sqrt(0.15 (1/10 + 1/10))
    assert found["precision"]["detectable_week_on_week"] == pytest.approx(0.485, abs=0.001)
    unpaid = document(TUESDAY, read_panel(tmp_path, settings), settings_of(llm={}), None)
    assert unpaid["today"]["left_out_by_the_cap"] == 6


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("https://a.example/en/solutions/lead-scoring?utm_source=x", "lead scoring"),
        ("https://a.example/pricing", None),
        ("https://a.example/", None),
        ("https://a.example/blog/crm_for_agencies.html", "crm for agencies"),
        ("https://a.example/p/12345", None),
    ],
)
def test_what_a_converting_page_is_about(address, words):
    assert subject_of_page(address) == words


def test_search_terms_that_converted_become_subjects(tmp_path: Path):
    folder = tmp_path / "landing" / "google_ads"
    folder.mkdir(parents=True)
    report = "Search term,Clicks,Conversions\ncrm for agencies,40,3\nfree game,90,0\nlead scoring,10,5.5\n"
    (folder / "terms-2026-11-01.csv").write_text(report)
    found = subjects(Workspace.at(tmp_path))
    assert [(s.words, s.conversions, s.origin) for s in found] == [
        ("lead scoring", 5.5, "search term"),
        ("crm for agencies", 3.0, "search term"),
    ]
