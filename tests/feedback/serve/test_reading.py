"""What else agents read: the channels' evidence, the brand's documents, and the description of every route."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from made_cards import NOW
from served_feed import Clock, Listen
from starlette.routing import Route

from feedback.memory.evidence import EVIDENCE, publish_evidence
from feedback.reports.figure_store import Fact, Figure, FigureStore
from feedback.reports.figures.channel_evidence import about_report, channel_evidence
from feedback.serve import app

DOCUMENT = (
    "---\nkind: voice\nid: voice\nversion: {}\ntitle: T\nsource: S\nvalid_from: 2026-01-15\n---\nWrite plainly.\n"
)


def store() -> FigureStore:
    """Three channels: one measured, one that is mostly prior, one that could not be modelled."""
    level = Decimal("0.90")
    items: list[Figure | Fact] = [Fact("page.period", "2026-Q3", "asked"), Fact("page.currency", "EUR", "asked")]
    for name, measured, grade in (("search", "yes", "A"), ("display", "no", "D"), ("events", "yes", "D")):
        items.append(Fact(f"channel.{name}.label", name.title(), "ops.channel.label"))
        items.append(Fact(f"channel.{name}.measured", measured, "measurement"))
        items.append(Fact(f"channel.{name}.grade", grade, "measurement"))
    for name in ("search", "display"):
        bounds = (Decimal("1.5"), Decimal("3.1"), level)
        items.append(Figure(f"channel.{name}.iroas", Decimal("2.2"), "ratio", "90 % interval", "ab", *bounds))
    items.append(Figure("channel.search.claim", Decimal("2.9"), "ratio", "claimed", "ab"))
    return FigureStore.of(items)


def test_a_channel_that_is_not_measured_has_a_range_and_no_point() -> None:
    rows = {row["channel"]: row for row in channel_evidence(store())}
    assert [rows[name]["status"] for name in ("search", "display", "events")] == [
        "measured",
        "not measured",
        "not modelled",
    ]
    assert rows["search"]["iroas"]["value"] == 2.2
    assert rows["display"]["iroas"] == {"value": None, "low": 1.5, "high": 3.1, "level": 0.9, "basis": "90 % interval"}
    assert rows["events"]["iroas"] is None
    assert rows["search"]["claim"] == 2.9


def published(memory: Path) -> None:
    rows = channel_evidence(store())
    publish_evidence(memory, "acme", run_id="run_1", now=NOW, channels=rows, about=about_report(store()))


def test_evidence_is_served_dated_hashed_and_by_channel(memory: Path, listen: Listen) -> None:
    client = listen(app(memory, brand="acme", clock=Clock()))
    missing = client.get("/v1/evidence/channels")
    assert (missing.status_code, missing.json()["reason"]) == (503, "no run has published evidence yet")
    published(memory)
    answer = client.get("/v1/evidence/channels")
    assert answer.json()["about"]["period"] == "2026-Q3"
    assert [row["channel"] for row in answer.json()["channels"]] == ["search", "display", "events"]
    assert client.get("/v1/evidence/channels", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    one = client.get("/v1/evidence/channels?channel=display").json()["channels"]
    assert [row["channel"] for row in one] == ["display"]
    unknown = client.get("/v1/evidence/channels?channel=banana")
    assert unknown.status_code == 400
    assert "search, display, events" in unknown.json()["error"]


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[" * 90_000, b'{"content_sha256":1}', b'{"channels":1e999}'],
    ids=["empty", "no fields", "deep", "wrong types", "no number"],
)
def test_damaged_evidence_is_refused(memory: Path, listen: Listen, content: bytes) -> None:
    published(memory)
    (memory / "acme" / EVIDENCE).write_bytes(content)
    answer = listen(app(memory, brand="acme", clock=Clock())).get("/v1/evidence/channels")
    assert (answer.status_code, answer.json()["reason"]) == (503, "the published evidence is damaged")


def test_evidence_that_was_changed_is_old_or_is_withheld_is_refused(memory: Path, listen: Listen) -> None:
    clock = Clock()
    client = listen(app(memory, brand="acme", clock=clock, max_staleness=timedelta(days=30)))
    old = listen(app(memory, brand="acme", clock=clock))
    published(memory)
    at = memory / "acme" / EVIDENCE
    at.write_bytes(at.read_bytes().replace(b'"value":2.2', b'"value":9.9'))
    assert "damaged" in client.get("/v1/evidence/channels").json()["reason"]
    published(memory)
    assert client.get("/v1/evidence/channels").status_code == 200
    publish_evidence(memory, "acme", run_id="run_2", now=NOW + timedelta(hours=1), withheld=["the books do not agree."])
    answer = client.get("/v1/evidence/channels")
    assert answer.status_code == 503
    assert "withheld" in answer.json()["reason"]
    assert "the books do not agree" in answer.json()["reason"]
    published(memory)  # a run as of an earlier day does not move it back
    assert client.get("/v1/evidence/channels").status_code == 503
    publish_evidence(memory, "acme", run_id="run_3", now=NOW + timedelta(hours=2), channels=channel_evidence(store()))
    clock.now = NOW + timedelta(hours=75)
    assert client.get("/v1/evidence/channels").status_code == 200
    assert "73 hours ago" in old.get("/v1/evidence/channels").json()["reason"]


def test_brand_documents_are_served_by_hash_and_a_faulty_one_holds_back_all(memory: Path, listen: Listen) -> None:
    folder = memory / ".documents"
    client = listen(app(memory, brand="acme", clock=Clock(), brand_documents=folder))
    assert client.get("/v1/brand").status_code == 404
    folder.mkdir()
    (folder / "voice-1.md").write_text(DOCUMENT.format(1))
    (folder / "voice-2.md").write_text(DOCUMENT.format(2))
    answer = client.get("/v1/brand")
    documents = answer.json()["documents"]
    assert [(d["id"], d["version"], d["text"]) for d in documents] == [("voice", 2, "Write plainly.")]
    assert client.get("/v1/brand", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    by_hash = client.get(f"/v1/brand/{documents[0]['sha256']}").json()["document"]
    assert by_hash == documents[0]
    assert client.get(f"/v1/brand/{'0' * 64}").status_code == 404
    (folder / "voice-3.md").write_text(DOCUMENT.format("three"))
    faulty = client.get("/v1/brand")
    assert faulty.status_code == 503
    assert faulty.json()["error"].startswith("brand/voice-3.md, row 4, version")


def test_every_route_is_described_and_every_reference_resolves(memory: Path, listen: Listen) -> None:
    served = app(memory, brand="acme", clock=Clock())
    document = listen(served).get("/openapi.json").json()
    assert set(document["paths"]) == {route.path for route in served.routes if isinstance(route, Route)}
    schemas = document["components"]["schemas"]

    def references(value: object) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [r for item in value.values() for r in references(item)]
        return [r for item in value for r in references(item)] if isinstance(value, list) else []

    assert {r.rpartition("/")[2] for r in references(document)} <= set(schemas)
