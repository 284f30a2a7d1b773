"""Approvals: bound to the exact artifact, by a named second person, used once, and never given by silence."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from feedback.approvals import ApprovalRefused, Approvals, Request
from feedback.storage import hash_chain
from feedback.storage.hash_chain import ChainBroken

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
SHA, OTHER = "a" * 64, "b" * 64


def request(**changed: object) -> Request:
    fields = {
        "action": "publish_card",
        "artifact_sha256": SHA,
        "params": {"channel": "video"},
        "requested_by": "agent:writer",
        "requested_at": NOW,
        "expires": NOW + timedelta(days=3),
    }
    return Request.model_validate({**fields, **changed})


@pytest.fixture
def approvals(tmp_path: Path) -> Approvals:
    return Approvals(tmp_path / "approvals.jsonl", ["ada@acme.example", "bob@acme.example"])


def test_an_approved_artifact_may_be_used_exactly_once(approvals):
    subject = approvals.ask(request())
    assert approvals.status(subject, NOW).state == "pending"
    assert approvals.approve(subject, by="ada@acme.example", at=NOW).state == "approved"
    assert approvals.consume(request(), at=NOW) == ("ada@acme.example",)
    with pytest.raises(ApprovalRefused, match="is consumed"):
        approvals.consume(request(), at=NOW)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"artifact_sha256": OTHER}, id="another artifact"),
        pytest.param({"params": {"channel": "display"}}, id="another parameter"),
        pytest.param({"action": "move_budget"}, id="another action"),
    ],
)
def test_an_approval_does_not_carry_over(approvals, changed):
    approvals.approve(approvals.ask(request()), by="ada@acme.example", at=NOW)
    with pytest.raises(ApprovalRefused, match="is unknown"):
        approvals.consume(request(**changed), at=NOW)


@pytest.mark.parametrize(
    ("asker", "by", "complaint"),
    [
        pytest.param("agent:writer", "eve@acme.example", "may not decide", id="not named"),
        pytest.param("agent:writer", "agent:writer", "may not decide", id="an agent"),
        pytest.param("ada@acme.example", "ada@acme.example", "a second person must", id="the asker"),
    ],
)
def test_only_a_named_second_person_decides(approvals, asker, by, complaint):
    subject = approvals.ask(request(requested_by=asker))
    with pytest.raises(ApprovalRefused, match=complaint):
        approvals.approve(subject, by=by, at=NOW)
    with pytest.raises(ApprovalRefused, match=complaint):
        approvals.deny(subject, by=by, reason="brand", at=NOW)
    assert approvals.status(subject, NOW).state == "pending"


def test_expiry_is_never_consent(approvals):
    subject = approvals.ask(request())
    later = NOW + timedelta(days=3)
    assert approvals.status(subject, later).state == "expired"
    with pytest.raises(ApprovalRefused, match="is expired"):
        approvals.approve(subject, by="ada@acme.example", at=later)
    approvals.approve(subject, by="ada@acme.example", at=NOW)
    with pytest.raises(ApprovalRefused, match="is expired"):
        approvals.consume(request(), at=later)


def test_a_quorum_needs_different_people_and_one_no_ends_it(approvals):
    subject = approvals.ask(request(quorum=2))
    assert approvals.approve(subject, by="ada@acme.example", at=NOW).state == "pending"
    with pytest.raises(ApprovalRefused, match="quorum of 2 needs others"):
        approvals.approve(subject, by="ada@acme.example", at=NOW)
    denied = approvals.deny(subject, by="bob@acme.example", reason="weak_evidence", at=NOW)
    assert (denied.state, denied.reason) == ("denied", "weak_evidence")
    with pytest.raises(ApprovalRefused, match="is denied"):
        approvals.approve(subject, by="bob@acme.example", at=NOW)


def test_a_denied_subject_asked_again_starts_without_old_decisions(approvals):
    subject = approvals.ask(request(quorum=2))
    approvals.approve(subject, by="ada@acme.example", at=NOW)
    approvals.deny(subject, by="bob@acme.example", reason="not_now", at=NOW)
    again = NOW + timedelta(days=1)
    approvals.ask(request(quorum=2, requested_at=again, expires=again + timedelta(days=1)))
    assert approvals.status(subject, again).by == ()


def test_a_no_needs_a_reason_class(approvals):
    subject = approvals.ask(request())
    with pytest.raises(ApprovalRefused, match="wrong_facts, weak_evidence"):
        approvals.deny(subject, by="ada@acme.example", reason="dislike", at=NOW)


def test_the_queue_is_ordered_by_worth_and_limited_a_week(approvals):
    subjects = [
        approvals.ask(request(artifact_sha256=f"{i:064x}", worth=i, expires=NOW + timedelta(days=30))) for i in range(8)
    ]
    assert [r.worth for r in approvals.pending(NOW)] == [7, 6, 5, 4, 3, 2, 1, 0]
    assert [r.worth for r in approvals.pending(NOW, weekly_limit=5)] == [7, 6, 5, 4, 3]
    for subject in subjects[:3]:
        approvals.approve(subject, by="ada@acme.example", at=NOW)
    assert [r.worth for r in approvals.pending(NOW, weekly_limit=5)] == [7, 6]
    assert len(approvals.pending(NOW + timedelta(days=7), weekly_limit=5)) == 5


def test_asking_twice_is_asking_once(approvals, tmp_path):
    assert approvals.ask(request()) == approvals.ask(request(requested_at=NOW + timedelta(hours=1)))
    assert len(hash_chain.lines_of(tmp_path / "approvals.jsonl")) == 1


def test_an_edited_ledger_approves_nothing(approvals, tmp_path):
    subject = approvals.ask(request())
    approvals.deny(subject, by="ada@acme.example", reason="legal", at=NOW)
    path = tmp_path / "approvals.jsonl"
    path.write_text(path.read_text().replace('"event":"denied"', '"event":"approved"'))
    with pytest.raises(ChainBroken, match="row 2"):
        approvals.consume(request(), at=NOW)


def test_two_uses_at_once_succeed_once(approvals, tmp_path):
    approvals.approve(approvals.ask(request()), by="ada@acme.example", at=NOW)
    outcomes: list[str] = []

    def use() -> None:
        try:
            Approvals(tmp_path / "approvals.jsonl", []).consume(request(), at=NOW)
            outcomes.append("used")
        except ApprovalRefused:
            outcomes.append("refused")

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused"] * 7 + ["used"]


def test_a_request_that_nobody_could_decide_is_refused():
    with pytest.raises(ValueError, match="no time to decide"):
        request(expires=NOW)
    with pytest.raises(ValueError, match="artifact_sha256"):
        request(artifact_sha256="abc")
