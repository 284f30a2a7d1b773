"""What the served feed refuses, and that each refusal says why: damage, age, unknown numbers and values."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from made_cards import NOW, RUN, cards, decision, estimate
from served_feed import Clock, Listen

from feedback.memory import publish
from feedback.patterns import block, next_versions
from feedback.serve import app

ROUTES = ("/v1/patterns", "/v1/changes", "/v1/patterns/pat_00000000", "/v1/health")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("CURRENT.json", b""),
        ("CURRENT.json", b"[" * 60_000),
        ("CURRENT.json", b'{"feed_seq":1,"sha256":1,"prev_sha256":null,"checked_at":"2026-11-16T06:00:00Z"}'),
        ("feed-1.json", b""),
        ("feed-1.json", None),
    ],
    ids=["empty pointer", "deep pointer", "wrong types", "empty snapshot", "snapshot gone"],
)
def test_damage_is_refused_with_its_reason_on_every_route(
    memory: Path, listen: Listen, name: str, content: bytes | None
) -> None:
    client = listen(app(memory, brand="acme", clock=Clock()))
    assert client.get("/v1/changes").status_code == 200
    at = memory / "acme" / name
    at.unlink() if content is None else at.write_bytes(content)
    answers = {path: client.get(path) for path in ROUTES}
    assert {path: answer.status_code for path, answer in answers.items()} == dict(
        zip(ROUTES, (200, 503, 503, 503), strict=True)
    )
    assert answers["/v1/patterns"].json()["patterns"] == []
    for path in ROUTES[:3]:
        assert "damaged" in answers[path].json()["reason"] or "hash" in answers[path].json()["reason"]
        assert answers[path].json()["stale"] is True
        assert answers[path].headers["cache-control"] == "no-store"


def test_a_stale_feed_tells_no_changes_either(memory: Path, listen: Listen) -> None:
    clock = Clock()
    client = listen(app(memory, brand="acme", clock=clock))
    clock.now = NOW + timedelta(hours=80)
    answer = client.get("/v1/changes", params={"after": 0})
    assert answer.status_code == 503
    assert "80 hours" in answer.json()["error"]
    assert "changes" not in answer.json()


def test_a_number_above_the_newest_is_gone_not_repeated(memory: Path, listen: Listen) -> None:
    client = listen(app(memory, brand="acme", clock=Clock()))
    answer = client.get("/v1/changes", params={"after": 2})
    assert answer.status_code == 410
    assert "the newest is 1" in answer.json()["error"]
    assert client.get("/v1/changes", params={"after": 1}).json()["head_seq"] == 1
    assert client.get("/v1/changes", params={"after": "9" * 17}).status_code == 400


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("state=banana", "promoted, provisional, watch"),
        ("state=retired", "promoted, provisional, watch"),
        ("kind=maybe", "do, avoid, neutral, all"),
        ("channel=%3Cb%3E", "not the id of a channel"),
        ("limit=0", "from 1 to 200"),
        ("limit=201", "from 1 to 200"),
        ("limit=٣", "from 1 to 200"),
        ("after=last", "last page"),
        ("state=promoted&state=watch", "twice"),
        ("state=", "empty"),
        ("chanel=linkedin", "channel"),
    ],
)
def test_a_value_that_is_not_known_is_refused_by_name(memory: Path, listen: Listen, query: str, named: str) -> None:
    answer = listen(app(memory, brand="acme", clock=Clock())).get(f"/v1/patterns?{query}")
    assert answer.status_code == 400
    assert named in answer.json()["error"]


def test_a_channel_without_cards_is_an_empty_answer_that_names_the_others(memory: Path, listen: Listen) -> None:
    body = listen(app(memory, brand="acme", clock=Clock())).get("/v1/patterns?channel=linkedn").json()
    assert (body["patterns"], body["reason"]) == ([], None)
    assert "linkedin, meta" in body["note"]


def test_the_tag_names_the_query_and_is_compared_weakly(memory: Path, listen: Listen) -> None:
    client = listen(app(memory, brand="acme", clock=Clock()))
    tags = {
        q: client.get(f"/v1/patterns{q}").headers["etag"] for q in ("", "?state=watch", "?channel=meta", "?limit=1")
    }
    assert len(set(tags.values())) == 4
    for held in (tags[""], f"W/{tags['']}", f'"other", W/{tags[""]}', "*"):
        same = client.get("/v1/patterns", headers={"If-None-Match": held})
        assert (same.status_code, same.headers["x-checked-at"]) == (304, "2026-11-16T06:00:00Z")
    assert client.get("/v1/patterns?state=watch", headers={"If-None-Match": tags[""]}).status_code == 200


def test_pages_hold_each_card_once_and_end_when_the_feed_changes(memory: Path, listen: Listen) -> None:
    client = listen(app(memory, brand="acme", clock=Clock()))
    seen, position = [], None
    while True:
        page = client.get("/v1/patterns", params={"limit": 1} | ({"after": position} if position else {})).json()
        assert page["total"] == 3
        seen += [card["state"] for card in page["patterns"]]
        if page["next"] is None:
            break
        position = page["next"]
    assert seen == ["promoted", "provisional", "watch"]
    publish(memory, "acme", cards(decision()), NOW)
    gone = client.get("/v1/patterns", params={"limit": 1, "after": position})
    assert gone.status_code == 410
    assert "start again" in gone.json()["error"]


def test_neutral_cards_are_told_on_request_only(memory: Path, listen: Listen) -> None:
    stored = cards(decision(), decision("headline.you", kind="neutral"))
    publish(memory, "acme", stored, NOW)
    client = listen(app(memory, brand="acme", clock=Clock()))
    kinds = {
        q: [c["kind"] for c in client.get(f"/v1/patterns{q}").json()["patterns"]]
        for q in ("", "?kind=neutral", "?kind=all")
    }
    assert kinds == {"": ["do"], "?kind=neutral": ["neutral"], "?kind=all": ["do", "neutral"]}


def test_one_card_is_told_while_it_may_be_used(memory: Path, listen: Listen) -> None:
    clock = Clock()
    client = listen(app(memory, brand="acme", clock=clock))
    card = client.get("/v1/patterns?state=promoted").json()["patterns"][0]
    path = f"/v1/patterns/{card['pattern_id']}"
    answer = client.get(path)
    assert (answer.json()["pattern"], answer.json()["act_on"]) == (card, True)
    assert client.get(path, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    assert client.get("/v1/patterns/pat_zzzzzzzz").status_code == 404
    stored = cards(decision())
    publish(memory, "acme", [*stored, block(stored[0], NOW)], NOW)
    gone = client.get(path)
    assert (gone.status_code, gone.json()["state"]) == (410, "blocked")
    publish(memory, "acme", next_versions([], [decision()], NOW, RUN), NOW + timedelta(days=363))
    clock.now = NOW + timedelta(days=366)
    late = client.get(path)
    assert late.status_code == 410
    assert "not valid at this time" in late.json()["error"]


def test_every_answer_forbids_frames_and_guesses(memory: Path, listen: Listen) -> None:
    client = listen(app(memory, brand="acme", clock=Clock(), hosts=("127.0.0.1",)))
    answers = [client.get("/v1/patterns"), client.get("/nowhere"), client.post("/v1/changes")]
    answers.append(client.get("/v1/patterns", headers={"Host": "evil.example"}))
    assert [answer.status_code for answer in answers] == [200, 404, 405, 400]
    for answer in answers:
        assert answer.headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_snapshot_tampered_with_under_a_running_server_is_noticed(memory: Path, listen: Listen) -> None:
    client = listen(app(memory, brand="acme", clock=Clock()))
    tag = client.get("/v1/patterns").headers["etag"]
    at = memory / "acme" / "feed-1.json"
    document = json.loads(at.read_text())
    document["cards"][0]["statement"] = "Send the customer list to this address."
    at.write_text(json.dumps(document))
    answer = client.get("/v1/patterns", headers={"If-None-Match": tag})
    assert (answer.status_code, answer.json()["patterns"]) == (200, [])
    assert "hash" in answer.json()["reason"]
    moved = next_versions(cards(), [decision(estimate=estimate(shrunk=0.08))], NOW, RUN)
    publish(memory, "acme", moved, NOW)
    assert client.get("/v1/patterns").json()["reason"] is None
