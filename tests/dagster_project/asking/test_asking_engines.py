"""The real library against local engines over a real socket: every provider's answer, error and price."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal

import pytest

from dagster_project.asking.calls import CallFailed, call, library
from dagster_project.asking.reading import Reading, read_response
from dagster_project.demo.answer_engines import AnswerEngines
from dagster_project.workspace.ai_settings import Engine

pytestmark = pytest.mark.slow
KEY = "sk-very-secret-4711"
ROUTES = {
    "openai": ("openai", {"model": "openai/gpt-5-mini"}),
    "xai": ("xai", {"model": "xai/grok-4"}),
    "azure": ("azure", {"model": "azure/dep", "api_version": "2025-04-01-preview"}),
    "chat": ("openai", {"model": "openai/gpt-4o-search-preview", "route": "chat"}),
    "anthropic": ("anthropic", {"model": "anthropic/claude-sonnet-4-5"}),
    "perplexity": ("pplx", {"model": "perplexity/sonar"}),
    "gemini": ("gemini", {"model": "gemini/gemini-2.5-flash", "contract": "native_auto"}),
}
COST = {"openai": "0.01208", "anthropic": "0.042082", "perplexity": "0.005", "gemini": "0.035128"}


@pytest.fixture(scope="module")
def engines():
    with AnswerEngines(slow_seconds=1.0) as running:
        yield running


@pytest.fixture(scope="module")
def litellm():
    return library()


def ask(engines, litellm, name: str, question: str, **changes) -> tuple[Reading, Decimal | None]:
    provider, fields = ROUTES[name]
    engine = Engine.model_validate({"name": name, "key": "K", "endpoint": engines.base(provider)} | fields | changes)
    raw = asyncio.run(call(litellm, engine, question, "DE", KEY))
    json.dumps(raw.response)
    return read_response(raw.response, engine.by_route), raw.cost_usd


@pytest.mark.parametrize("name", ROUTES)
def test_an_answer_with_its_pages_reads_alike_from_every_provider(engines, litellm, name):
    found, cost = ask(engines, litellm, name, "Which CRM?")
    cited = [s for s in found.sources if s["role"] == "cited"]
    assert [(s["url"].split("/")[2].removeprefix("www."), s["rank"]) for s in cited] == [
        ("acme.example", 1),
        ("g2.com", 2),
    ]
    # Perplexity's text holds markers, Anthropic's begins with an announcement: the span names the same sentence.
    spans = [found.text[slice(*s["spans"][0])] for s in cited]
    assert spans[0].startswith("Für kleine Teams ist Acme CRM stark")
    assert "HubSpot is the safe default" in spans[1]
    read_only = [s["url"] for s in found.sources if s["role"] == "retrieved"]
    assert [u for u in read_only if "reddit" in u] or name == "chat"
    assert found.status == "ok"
    assert found.retrieval_status == "used"
    assert found.queries == (("q1",) if name not in ("chat", "perplexity") else ())
    assert "reddit" not in str(cited)
    if name in COST:
        assert cost == pytest.approx(Decimal(COST[name]), abs=Decimal("0.000001"))
    if name in ("xai", "azure"):
        assert cost is None


@pytest.mark.parametrize(
    ("word", "status", "retrieval"),
    [
        pytest.param("NOSEARCH", "ok", "not_used", id="no search"),
        pytest.param("REFUSE", "refused", "not_used", id="refusal"),
        pytest.param("LENGTH", "partial", "used", id="cut off at the token limit"),
        pytest.param("EMPTY", "empty", "used", id="empty"),
        pytest.param("TOOLERR", "error", "unknown", id="search failed"),
    ],
)
@pytest.mark.parametrize("name", ["openai", "anthropic", "gemini"])
def test_what_is_no_plain_answer_has_its_own_state(engines, litellm, name, word, status, retrieval):
    found, _ = ask(engines, litellm, name, f"Which CRM? {word}")
    if name == "anthropic" and word == "EMPTY":
        status = "partial"  # it announced a search, read pages and said nothing: a pause
    if name == "gemini" and word == "TOOLERR":
        status, retrieval = "ok", "not_used"  # a failed search leaves no trace in this form
    assert (found.status, found.retrieval_status) == (status, retrieval)


def test_a_model_swap_is_visible_and_hostile_pages_are_no_pages(engines, litellm):
    before, _ = ask(engines, litellm, "openai", "Which CRM?")
    after, _ = ask(engines, litellm, "openai", "Which CRM? MODELCHANGE")
    assert before.served_model != after.served_model
    found, _ = ask(engines, litellm, "openai", "Which CRM? INJECT")
    assert found.sources == ()
    assert found.status == "ok"


@pytest.mark.parametrize("name", ["openai", "anthropic", "perplexity", "gemini", "chat"])
@pytest.mark.parametrize(
    ("word", "again", "may_be_charged", "out"),
    [
        pytest.param("FLAKY429", True, False, False, id="429"),
        pytest.param("ERROR500", True, False, False, id="500"),
        pytest.param("DOWN503", True, False, False, id="503"),
        pytest.param("BADKEY", False, False, True, id="key refused"),
        pytest.param("TRUNC", True, True, False, id="broken body"),
        pytest.param("HTML200", True, True, False, id="html"),
        pytest.param("HANGUP", True, True, False, id="cut connection"),
        pytest.param("SLOW", True, True, False, id="time-out"),
    ],
)
def test_an_error_says_whether_to_ask_again_and_whether_it_may_cost(
    engines, litellm, name, word, again, may_be_charged, out
):
    with pytest.raises(CallFailed) as caught:
        ask(engines, litellm, name, f"{name} {word}", timeout_seconds=0.5)
    failed = caught.value
    assert (failed.again, failed.may_be_charged, failed.engine_is_out) == (again, may_be_charged, out)
    assert failed.pause == (1.0 if word == "FLAKY429" else None)
    assert failed.timed_out is (word == "SLOW")
    assert KEY[-4:] not in str(failed)
    assert failed.__cause__ is None
    assert engines.calls(ROUTES[name][0], f"{name} {word}") == 1, "the library did not ask, or retried by itself"


def test_a_refused_connection_costs_nothing(litellm):
    with AnswerEngines() as gone:
        endpoint = gone.base("openai")
    for name in ("openai", "anthropic", "perplexity", "gemini"):
        engine = Engine.model_validate({"name": name, "key": "K"} | ROUTES[name][1] | {"endpoint": endpoint})
        with pytest.raises(CallFailed) as caught:
            asyncio.run(call(litellm, engine, "Which CRM?", None, KEY))
        assert (caught.value.again, caught.value.may_be_charged) == (True, False)


def test_the_request_has_a_clean_context_and_forces_the_search_where_that_is_possible(engines, litellm):
    asked = {}
    for name in ("openai", "anthropic", "perplexity", "gemini"):
        ask(engines, litellm, name, f"clean {name}")
        asked[name] = next(r for r in engines.requests if r.prompt == f"clean {name}")
        assert {"temperature", "seed", "system", "instructions"}.isdisjoint(asked[name].body)
    assert asked["openai"].body["tool_choice"] == "required"
    assert asked["openai"].body["tools"][0]["user_location"]["country"] == "DE"
    assert asked["anthropic"].body["tool_choice"] == {"type": "tool", "name": "web_search"}
    assert asked["anthropic"].body["max_tokens"] == 2048
    assert asked["gemini"].body["tools"] == [{"googleSearch": {}}]
    ask(engines, litellm, "openai", "recalled", contract="recall")
    assert "tools" not in next(r for r in engines.requests if r.prompt == "recalled").body
