"""The feed over a real socket: read only, guarded, one brand, honest about age."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from made_cards import NOW, cards, decision
from served_feed import TOKEN, Clock, Listen

from feedback.memory import publish
from feedback.patterns import problems
from feedback.serve import app, feed_list, serve
from feedback.serve.listening import application


def test_the_feed_says_what_to_act_on_and_every_card_is_valid(memory: Path, listen: Listen) -> None:
    answer = listen(app(memory, clock=Clock())).get("/v1/patterns", params={"brand": "acme"})
    body = answer.json()
    assert answer.status_code == 200
    assert {c["state"] for c in body["patterns"]} == {"promoted", "provisional", "watch"}
    assert body["act_on"] == [c["pattern_id"] for c in body["patterns"] if c["state"] == "promoted"]
    assert (body["stale"], body["reason"], body["feed_seq"]) == (False, None, 1)
    assert answer.headers["etag"] == f'"{body["snapshot_sha256"]}"'
    assert [problems(c) for c in body["patterns"]] == [[], [], []]


def test_filters_narrow_and_unknown_ones_are_refused(memory: Path, listen: Listen) -> None:
    client = listen(app(memory, brand="acme", clock=Clock()))
    linkedin = client.get("/v1/patterns", params={"channel": "linkedin"}).json()["patterns"]
    assert {c["features"][0]["key"] for c in linkedin} == {"headline.number", "headline.you"}
    assert client.get("/v1/patterns", params={"state": "promoted"}).json()["patterns"][0]["state"] == "promoted"
    assert client.get("/v1/patterns", params={"chanel": "linkedin"}).status_code == 400


def test_an_unchanged_feed_costs_nothing_and_a_changed_one_is_sent(memory: Path, listen: Listen) -> None:
    clock = Clock()
    client = listen(app(memory, brand="acme", clock=clock))
    tag = client.get("/v1/patterns").headers["etag"]
    same = client.get("/v1/patterns", headers={"If-None-Match": tag})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    publish(memory, "acme", cards(decision()), NOW)
    assert client.get("/v1/patterns", headers={"If-None-Match": tag}).json()["feed_seq"] == 2
    clock.now = NOW + timedelta(hours=72)
    tag = client.get("/v1/patterns").headers["etag"]
    publish(memory, "acme", cards(decision()), NOW + timedelta(days=364))
    clock.now = NOW + timedelta(days=366)
    expired = client.get("/v1/patterns", headers={"If-None-Match": tag})
    assert (expired.status_code, expired.json()["patterns"]) == (200, [])


def test_an_old_feed_is_empty_with_a_reason_and_never_304(memory: Path, listen: Listen) -> None:
    clock = Clock()
    client = listen(app(memory, brand="acme", clock=clock))
    tag = client.get("/v1/patterns").headers["etag"]
    assert client.get("/v1/health").status_code == 200
    clock.now = NOW + timedelta(hours=80)
    answer = client.get("/v1/patterns", headers={"If-None-Match": tag})
    assert answer.status_code == 200
    assert answer.json()["patterns"] == answer.json()["act_on"] == []
    assert "80 hours" in answer.json()["reason"]
    assert "etag" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"
    health = client.get("/v1/health")
    assert (health.status_code, health.json()["status"]) == (503, "stale")


@pytest.mark.parametrize("path", ["/v1/patterns", "/v1/changes"])
@pytest.mark.parametrize(
    "header",
    [None, "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer \u00e9"],
    ids=["none", "empty", "wrong", "scheme", "longer", "not ascii"],
)
def test_without_the_token_nothing_is_told(memory: Path, listen: Listen, path: str, header: str | None) -> None:
    client = listen(app(memory, brand="acme", token=TOKEN, clock=Clock()))
    headers = {} if header is None else {"Authorization": header.encode("latin-1")}
    answer = client.get(path, headers=headers)  # type: ignore[arg-type]
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "pat_" not in answer.text
    assert client.get(path, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_health_tells_strangers_only_whether_it_lives(memory: Path, listen: Listen) -> None:
    client = listen(app(memory, token=TOKEN, clock=Clock()))
    assert client.get("/v1/health").json() == {"status": "ok"}
    told = client.get("/v1/health", headers={"Authorization": f"Bearer {TOKEN}"}).json()
    assert [f["brand"] for f in told["feeds"]] == ["acme", "bolt"]


def test_a_brand_is_a_wall_in_every_route(memory: Path, listen: Listen) -> None:
    client = listen(app(memory, brand="acme", clock=Clock()))
    for path in ("/v1/patterns", "/v1/changes"):
        foreign, unknown = (client.get(path, params={"brand": b}) for b in ("bolt", "nobody"))
        assert (foreign.status_code, foreign.content) == (404, unknown.content)
        assert client.get(path, params={"brand": "../acme"}).status_code == 404
    assert "bolt" not in client.get("/v1/health").text
    every = listen(app(memory, clock=Clock()))
    assert every.get("/v1/patterns").status_code == 400
    body = every.get("/v1/patterns", params={"brand": "bolt"}).json()
    assert {c["scope"]["brand"] for c in body["patterns"]} == {"bolt"}


def test_changes_are_references_and_gone_history_says_so(memory: Path, listen: Listen) -> None:
    client = listen(app(memory, brand="acme", clock=Clock()))
    body = client.get("/v1/changes", params={"after": 0}).json()
    assert body["head_seq"] == 1
    assert {k for c in body["changes"] for k in c} == {"feed_seq", "pattern_id", "version", "state", "content_sha256"}
    assert client.get("/v1/changes", params={"after": "1; drop"}).status_code == 400
    publish(memory, "acme", cards(decision()), NOW)
    (memory / "acme" / "feed-1.json").unlink()
    assert client.get("/v1/changes", params={"after": 0}).status_code == 410


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_can_be_written(memory: Path, listen: Listen, method: str) -> None:
    client = listen(app(memory, brand="acme", clock=Clock()))
    assert {client.request(method, p).status_code for p in ("/v1/patterns", "/v1/changes", "/v1/health")} == {405}


def test_other_machines_need_a_token_and_a_short_one_is_refused(memory: Path) -> None:
    for host in ("0.0.0.0", "10.1.2.3", "::", "feed.example"):
        with pytest.raises(ValueError, match="set a token"):
            serve(memory, brand="acme", host=host)
    with pytest.raises(ValueError, match="16"):
        serve(memory, brand="acme", host="0.0.0.0", token="short")


def test_without_a_token_only_this_machines_names_are_answered(memory: Path, listen: Listen) -> None:
    client = listen(application(memory, brand="acme", host="127.0.0.1", token=None))
    assert client.get("/v1/patterns").status_code == 200
    assert client.get("/v1/patterns", headers={"Host": "evil.example"}).status_code == 400


def test_the_list_for_the_command_line_is_the_same_feed(memory: Path) -> None:
    found = feed_list(memory, "acme", now=NOW)
    assert len(found) == 3
    assert {c["features"][0]["key"] for c in feed_list(memory, "acme", "linkedin", now=NOW)} == {
        "headline.number",
        "headline.you",
    }
    assert feed_list(memory, "acme", now=NOW + timedelta(hours=80)) == []
    assert feed_list(memory, "nobody", now=NOW) == []
