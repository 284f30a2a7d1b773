"""/v1/events: the log in order over HTTP, for the same readers and under the same refusals as the cards."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from made_cards import NOW
from served_feed import TOKEN, Clock, Listen

from feedback.memory.embedded_store import EmbeddedStore
from feedback.memory.store import Change, Event, Version
from feedback.serve import app


@pytest.fixture
def logged(memory: Path) -> Path:
    store = EmbeddedStore(memory, "acme")
    for n in range(1, 6):
        event = Event("pattern.changed", f"pat_{n}", NOW, {"n": n})
        store.commit([Change(Version("pattern", f"pat_{n}", 1, "watch", {"n": n}), event)])
    store.close()
    return memory


def test_a_reader_goes_on_after_its_number(logged: Path, listen: Listen) -> None:
    client = listen(app(logged, brand="acme", clock=Clock()))
    first = client.get("/v1/events", params={"limit": 3}).json()
    assert (first["head"], first["next_after"], len(first["events"])) == (5, 3, 3)
    second = client.get("/v1/events", params={"after": first["next_after"]}).json()
    assert [event["data"]["n"] for event in second["events"]] == [4, 5]
    assert client.get("/v1/events", params={"after": 5}).json()["events"] == []


@pytest.mark.parametrize(
    ("query", "status"),
    [("after=6", 410), ("after=-1", 400), ("after=1;drop", 400), ("limit=201", 400), ("type=x", 400), ("brand=b", 404)],
)
def test_what_cannot_be_answered_is_refused(logged: Path, listen: Listen, query: str, status: int) -> None:
    answer = listen(app(logged, brand="acme", clock=Clock())).get(f"/v1/events?{query}")
    assert (answer.status_code, "error" in answer.json()) == (status, True)


def test_events_need_the_token_as_cards_do(logged: Path, listen: Listen) -> None:
    client = listen(app(logged, brand="acme", clock=Clock(), token=TOKEN))
    assert client.get("/v1/events").status_code == 401
    assert client.get("/v1/events", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_a_log_that_is_not_there_is_no_empty_log(memory: Path, listen: Listen) -> None:
    answer = listen(app(memory, brand="acme", clock=Clock())).get("/v1/events")
    assert (answer.status_code, "PostgreSQL" in answer.json()["error"]) == (404, True)


def test_a_tampered_log_is_refused_with_its_reason(logged: Path, listen: Listen) -> None:
    client = listen(app(logged, brand="acme", clock=Clock()))
    with sqlite3.connect(logged / "acme" / "events.db") as con:
        con.execute("drop trigger memory_outbox_no_update")
        con.execute("update memory_outbox set type = 'pattern.promoted' where seq = 2")
    con.close()
    answer = client.get("/v1/events")
    assert answer.status_code == 503
    assert "not what was written" in answer.json()["reason"]
