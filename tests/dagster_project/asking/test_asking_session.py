"""A day of asking with a library that misbehaves: retries, caps, stops, crashes, and what lands."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from dagster_project.asking import asker as asker_module
from dagster_project.asking import deliveries, session
from dagster_project.asking.frozen_panel import PanelError
from dagster_project.asking.ledger import LedgerError, opened
from dagster_project.asking.panel import read_panel
from dagster_project.asking.session import CannotAsk, ask_day
from dagster_project.workspace.paths import Workspace
from tests.dagster_project.asking.asking_workspace import PANEL, land_panel, settings_of
from tests.dagster_project.asking.stub_library import Refused, StubLibrary, Timeout

TUESDAY, WEDNESDAY = date(2026, 12, 1), date(2026, 12, 2)
FAST = {"per_minute": 6000, "price_usd": "0.01"}
ENGINES = [
    {"name": "openai", "model": "openai/gpt-5-mini", "key": "OPENAI_API_KEY"} | FAST,
    {"name": "perplexity", "model": "perplexity/sonar", "key": "PERPLEXITYAI_API_KEY"} | FAST,
]


@pytest.fixture
def ws(tmp_path, monkeypatch) -> Workspace:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-1")
    monkeypatch.setenv("PERPLEXITYAI_API_KEY", "sk-secret-2")
    monkeypatch.setattr(asker_module, "FIRST_PAUSE", 0.001)
    land_panel(tmp_path / "landing")
    return Workspace.at(tmp_path)


@pytest.fixture
def ask(ws, monkeypatch):
    def run(library: StubLibrary, day: date = TUESDAY, only=(), new_version=None, **changes):
        monkeypatch.setattr(session, "library", lambda: library)
        settings = settings_of(**({"engines": ENGINES, "sampling": {"aa_prompts": 0}} | changes))
        prompts = read_panel(ws.landing, settings)
        return ask_day(ws, settings, day, prompts, engines=only, new_version=new_version)

    return run


def landed(ws: Workspace) -> list[dict]:
    files = sorted((ws.landing / "ai_answers").glob("*.gz"))
    return [json.loads(line) for f in files for line in gzip.decompress(f.read_bytes()).decode().splitlines()]


def many(count: int) -> str:
    header = "prompt_id,prompt_text,intent,locale,is_core,weight\n"
    return header + "".join(f"q{i},Question {i}?,x,en-US,true,1\n" for i in range(count))


def test_every_slot_is_asked_once_and_lands_with_all_that_is_known(ws, ask):
    library = StubLibrary()
    report = ask(library)
    assert (report.statuses, report.complete, report.open) == ({"ok": 6}, True, {})
    again = ask(library)
    assert (again.answered_before, again.statuses, again.files) == (6, {}, ())
    assert set(library.asked.values()) == {1}
    lines = landed(ws)
    assert len({line["answer_id"] for line in lines}) == len(lines) == 6
    one = next(line for line in lines if line["engine"] == "openai" and line["prompt_id"] == "p1")
    assert one["requested_model"] == "openai/gpt-5-mini"
    assert one["served_model"].startswith("openai/gpt-5-mini-")
    assert one["panel_version"].startswith("2026-Q4.1-")
    assert one["sources"][0] == {
        "url": "https://acme.example/", "title": "acme.example", "role": "cited", "rank": 1, "spans": [[0, 36]]
    }  # fmt: skip
    assert (one["cost_usd"], one["cost_source"], one["raw"]["status"]) == ("0.01", "litellm", "completed")
    assert report.spent_usd == Decimal("0.06")


def test_what_fails_for_a_moment_is_asked_again_and_what_fails_for_good_is_a_row(ws, ask):
    def behave(question: str, call: int) -> None:
        if "recommend" in question and call == 1:
            raise Refused(429, {"retry-after": "0"})
        if "Compare" in question:
            raise Timeout

    library = StubLibrary(behave)
    report = ask(library)
    assert report.statuses == {"ok": 4, "timeout": 2}
    assert not report.complete
    rows = {(r["engine"], r["prompt_id"]): r for r in landed(ws)}
    assert (rows["openai", "p1"]["status"], rows["openai", "p1"]["attempts"]) == ("ok", 2)
    assert (rows["openai", "p2"]["status"], rows["openai", "p2"]["error_kind"]) == ("timeout", "Timeout 408")
    assert "secret" not in json.dumps(landed(ws))
    # A 429 costs nothing; each of 2 x 3 time-outs may have been charged and counts at the usual price.
    assert report.spent_usd == Decimal("0.10")
    library.behave = lambda question, call: None
    assert ask(library).statuses == {"ok": 2}


def test_a_refused_key_stops_its_engine_and_no_other(ws, ask):
    def behave(question: str, call: int) -> None:
        raise Refused(401)

    library = StubLibrary(behave)
    library.acompletion = StubLibrary().acompletion
    report = ask(library)
    assert report.engines_out == {"openai": "Refused 401"}
    assert report.statuses == {"ok": 3}
    assert report.open == {"outage": 3}
    assert sum(library.asked.values()) <= ENGINES_AT_ONCE
    rows = [r for r in landed(ws) if r["engine"] == "openai"]
    assert {(r["status"], r["error_kind"]) for r in rows} == {("not_scheduled", "outage")}


ENGINES_AT_ONCE = 4  # calls that were under way when the first refusal came


def test_an_engine_that_never_answers_is_left_alone_after_ten_questions(ws, ask):
    land_panel(ws.landing, many(40))

    def behave(question: str, call: int) -> None:
        raise Refused(503)

    report = ask(StubLibrary(behave), engines=[ENGINES[0] | {"attempts": 1, "concurrency": 1}])
    assert report.statuses == {"error": 10}
    assert "10 questions in a row" in report.engines_out["openai"]
    assert report.open == {"outage": 30}


@pytest.mark.parametrize(
    ("real", "cap"),
    [(0.01, "0.105"), (0.03, "0.2"), (0.05, "0.33"), (0.002, "0.05")],
    ids=["as set", "3x", "5x", "cheap"],
)
def test_the_cap_is_exceeded_by_one_answer_at_most_even_where_prices_are_wrong(ws, ask, real, cap):
    land_panel(ws.landing, many(60))
    library = StubLibrary(cost=real)
    engine = ENGINES[0] | {"concurrency": 20}
    report = ask(library, engines=[engine], llm={"daily_cap": cap, "monthly_cap": 100})
    paid = real * sum(library.answered.values())
    assert paid <= float(cap) + real
    assert report.open.keys() == {"budget"}
    # Before anything is known of prices, as many are planned as the set price of 0.01 pays for.
    assert library.answered.total() >= min(float(cap) / max(real, 0.01) - 1, 5)
    # The rest is asked on the same day once the cap is raised, and nothing is asked twice.
    rest = ask(library, engines=[engine], llm={"daily_cap": 100, "monthly_cap": 100})
    assert rest.complete
    assert set(library.answered.values()) == {1}
    assert library.answered.total() == 60
    newest = {r["answer_id"]: r["status"] for r in landed(ws)}
    assert Counter(newest.values()) == {"ok": 60}


def test_an_unknown_price_counts_as_the_usual_one(ws, ask):
    report = ask(StubLibrary(cost=None), only=["openai"])
    assert report.spent_usd == Decimal("0.03")
    assert report.open == {"disabled": 3}
    assert ask(StubLibrary(cost=None), only=["openai"]).files == (), "the same reasons are not delivered again"
    assert {r["cost_source"] for r in landed(ws) if r["status"] == "ok"} == {"estimate"}


class Killed(BaseException):
    """The process ends here."""


def test_a_process_that_dies_loses_no_answer_and_asks_none_twice(ws, ask, monkeypatch):
    land_panel(ws.landing, many(30))
    seen = []

    def behave(question: str, call: int) -> None:
        seen.append(question)
        if len(seen) == 20:
            raise Killed

    library = StubLibrary(behave)
    with pytest.raises(Killed):
        ask(library, engines=[ENGINES[0]])
    answered = set(library.answered)
    report = ask(library, engines=[ENGINES[0]])
    assert report.complete
    assert report.unknown_calls >= 1
    assert all(library.asked[key] == 1 for key in answered)
    assert set(library.answered.values()) == {1}
    assert Counter(r["status"] for r in landed(ws)) == {"ok": 30}
    with opened(ws.asking) as ledger:
        states = dict(ledger.con.execute("select state, count(*) from cost group by 1"))
    assert states == {"settled": 30, "unknown": report.unknown_calls}


@pytest.mark.parametrize("step", ["before the file", "after the file"])
def test_a_death_between_books_and_file_writes_each_answer_once(ws, ask, monkeypatch, step):
    write = deliveries.write_atomically

    def dies(path: Path, content: bytes) -> None:
        if step == "after the file":
            write(path, content)
        raise Killed

    monkeypatch.setattr(deliveries, "write_atomically", dies)
    with pytest.raises(Killed):
        ask(StubLibrary())
    monkeypatch.setattr(deliveries, "write_atomically", write)
    library = StubLibrary()
    assert ask(library).answered_before == 6
    assert not library.asked
    assert len(landed(ws)) == 6


def test_slots_of_a_day_that_was_cut_off_are_told_as_not_scheduled(ws, ask):
    def behave(question: str, call: int) -> None:
        if "Compare" in question:
            raise Killed

    with pytest.raises(Killed):
        ask(StubLibrary(behave), engines=[ENGINES[0] | {"concurrency": 1}])
    ask(StubLibrary(), day=WEDNESDAY, engines=[ENGINES[0]])
    tuesday = [r for r in landed(ws) if r["day_slot"] == "2026-12-01"]
    assert len({r["answer_id"] for r in tuesday}) == 3
    assert Counter(r["status"] for r in tuesday)["not_scheduled"] >= 1


def test_two_processes_do_not_ask_at_once_and_a_damaged_ledger_is_named(ws, ask):
    with opened(ws.asking), pytest.raises(LedgerError, match="another `plumbline ask`"):
        ask(StubLibrary())
    (ws.asking / "ledger.sqlite").write_bytes(b"no database, but long enough to be read as a header of one" * 40)
    for leftover in ws.asking.glob("ledger.sqlite-*"):
        leftover.unlink()
    with pytest.raises(LedgerError, match="backup"):
        ask(StubLibrary())


def test_what_forbids_a_call_is_said_before_anything_is_asked(ws, ask, monkeypatch):
    with pytest.raises(CannotAsk, match=r"llm\.daily_cap and llm\.monthly_cap are 0"):
        ask(StubLibrary(), llm={})
    with pytest.raises(CannotAsk, match="no engine has a model"):
        ask(StubLibrary(), engines=["openai"])
    with pytest.raises(CannotAsk, match="no engine bing"):
        ask(StubLibrary(), only=["bing"])
    monkeypatch.delenv("PERPLEXITYAI_API_KEY")
    with pytest.raises(CannotAsk, match=r"PERPLEXITYAI_API_KEY \(perplexity\)"):
        ask(StubLibrary())
    assert ask(StubLibrary(), only=["openai"]).statuses == {"ok": 3}


def test_a_changed_panel_is_refused_before_a_call(ws, ask):
    ask(StubLibrary())
    land_panel(ws.landing, PANEL.replace("Compare the", "Rank the"))
    library = StubLibrary()
    with pytest.raises(PanelError, match="changed: prompt p2"):
        ask(library)
    assert not library.asked
    report = ask(library, new_version="p2 asked for the wrong thing")
    assert report.panel_version.startswith("2026-Q4.2-")
    assert sum(library.asked.values()) == 2


def test_at_most_as_many_calls_at_once_as_the_engine_allows(ws, ask):
    land_panel(ws.landing, many(12))
    library = StubLibrary()
    library.pause = 0.05
    ask(library, engines=[ENGINES[0] | {"concurrency": 3, "price_usd": "0.001"}])
    assert 1 < library.most_at_once <= 3


def test_a_trace_tells_everything_but_the_words(ws, ask):
    ask(StubLibrary())
    lines = (ws.asking / "traces" / "2026-12-01.jsonl").read_text()
    spans = [json.loads(line) for line in lines.splitlines()]
    assert len(spans) == 6
    openai = next(s for s in spans if s["attributes"]["plumbline.engine"] == "openai")
    assert openai["name"] == "chat gpt-5-mini"
    assert openai["attributes"]["gen_ai.provider.name"] == "openai"
    assert openai["attributes"]["gen_ai.usage.input_tokens"] == 8000
    assert openai["endTimeUnixNano"] > openai["startTimeUnixNano"]
    assert "recommend" not in lines
    assert "secret" not in lines
    assert (ws.asking / "traces" / "2026-12-01.jsonl").stat().st_mode & 0o077 == 0
