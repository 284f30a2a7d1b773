"""Approvals: bound to the exact artifact, by a named second person, used once, and never given by silence."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from made_requests import ADA, BOB, CARA, DAN, NOW, OTHER, WRITER, ledger, request

from feedback.approvals import ApprovalRefused, Approvals, decisions_digest
from feedback.approvals.seal import LedgerBroken
from feedback.storage import hash_chain
from feedback.storage.hash_chain import ChainBroken


@pytest.fixture
def approvals(tmp_path: Path) -> Approvals:
    return ledger(tmp_path)


def test_an_approved_artifact_may_be_used_exactly_once(approvals):
    subject = approvals.ask(request())
    assert approvals.status(subject, NOW).state == "pending"
    assert approvals.approve(subject, by=ADA, at=NOW).state == "approved"
    assert approvals.consume(request(), at=NOW, used_for="post 1") == (ADA,)
    assert approvals.consume(request(), at=NOW, used_for="post 1") == (ADA,)
    for other in ("post 2", ""):
        with pytest.raises(ApprovalRefused, match="is consumed"):
            approvals.consume(request(), at=NOW, used_for=other)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"artifact_sha256": OTHER}, id="another artifact"),
        pytest.param({"params": {"channel": "display"}}, id="another parameter"),
        pytest.param({"action": "redistribute"}, id="another action"),
    ],
)
def test_an_approval_does_not_carry_over(approvals, changed):
    approvals.approve(approvals.ask(request()), by=ADA, at=NOW)
    with pytest.raises(ApprovalRefused, match="is unknown"):
        approvals.consume(request(**changed), at=NOW)


@pytest.mark.parametrize(
    ("asker", "by", "complaint"),
    [
        pytest.param(WRITER, "eve@acme.example", "may not decide", id="not named"),
        pytest.param(WRITER, WRITER, "a machine never approves", id="an agent"),
        pytest.param(ADA, ADA, "a second person must", id="the asker"),
        pytest.param(WRITER, DAN, "needs editor", id="another role"),
    ],
)
def test_only_a_named_second_person_of_the_role_decides(approvals, asker, by, complaint):
    subject = approvals.ask(request(requested_by=asker))
    with pytest.raises(ApprovalRefused, match=complaint):
        approvals.approve(subject, by=by, at=NOW)
    with pytest.raises(ApprovalRefused, match=complaint):
        approvals.deny(subject, by=by, reason="brand", at=NOW)
    with pytest.raises(ApprovalRefused, match=complaint):
        approvals.bypass(subject, by=by, reason="the site is down", at=NOW)
    assert approvals.status(subject, NOW).state == "pending"


def test_expiry_is_never_consent(approvals):
    subject = approvals.ask(request())
    later = NOW + timedelta(days=3)
    assert approvals.status(subject, later).state == "expired"
    with pytest.raises(ApprovalRefused, match="is expired"):
        approvals.approve(subject, by=ADA, at=later)
    approvals.approve(subject, by=ADA, at=NOW)
    with pytest.raises(ApprovalRefused, match="is expired"):
        approvals.consume(request(), at=later)
    assert approvals.ask(request(requested_at=later, expires=None)) == subject
    assert approvals.status(subject, later).by == ()


def test_a_gate_can_only_be_made_stricter_by_a_request(approvals):
    long = request(expires=NOW + timedelta(days=300), quorum=1, action="spend", params={"amount": "9000"})
    approvals.ask(long)
    (waiting,) = approvals.pending(NOW)
    assert (waiting.quorum, waiting.expires) == (2, NOW + timedelta(hours=24))


def test_spend_above_the_limit_needs_two_roles_held_by_two_people(approvals):
    spend = request(action="spend", params={"amount": "9000"}, expires=None)
    subject = approvals.ask(spend)
    assert approvals.approve(subject, by=CARA, at=NOW).state == "pending"
    with pytest.raises(ApprovalRefused, match="quorum of 2 needs others"):
        approvals.approve(subject, by=CARA, at=NOW)
    assert approvals.approve(subject, by=DAN, at=NOW).state == "approved"
    assert approvals.consume(spend, at=NOW) == (CARA, DAN)


def test_one_no_ends_a_quorum_and_a_new_request_starts_without_old_decisions(approvals):
    first = request(quorum=2)
    subject = approvals.ask(first)
    approvals.approve(subject, by=ADA, at=NOW)
    denied = approvals.deny(subject, by=BOB, reason="weak_evidence", at=NOW)
    assert (denied.state, denied.reason) == ("denied", "weak_evidence")
    with pytest.raises(ApprovalRefused, match="is denied"):
        approvals.approve(subject, by=BOB, at=NOW)
    again = NOW + timedelta(days=1)
    approvals.ask(request(quorum=2, requested_at=again, expires=again + timedelta(days=1)))
    assert approvals.status(subject, again).by == ()


def test_a_no_needs_a_reason_class(approvals):
    subject = approvals.ask(request())
    with pytest.raises(ApprovalRefused, match="wrong_facts, weak_evidence"):
        approvals.deny(subject, by=ADA, reason="dislike", at=NOW)


def test_the_queue_is_ordered_by_money_and_limited_a_week(approvals):
    worths = [*range(8), None]
    subjects = [
        approvals.ask(request(action="brief", artifact_sha256=f"{i:064x}", worth=worth, expires=None))
        for i, worth in enumerate(worths)
    ]
    assert [r.worth for r in approvals.pending(NOW)] == [7, 6, 5, 4, 3, 2, 1, 0, None]
    assert [r.worth for r in approvals.pending(NOW, weekly_limit=5)] == [7, 6, 5, 4, 3]
    for subject in subjects[:3]:
        approvals.approve(subject, by=ADA, at=NOW)
    assert [r.worth for r in approvals.pending(NOW, weekly_limit=5)] == [7, 6]
    assert approvals.pending(NOW + timedelta(days=7)) == []


def test_spending_is_ranked_by_its_amount_unless_more_is_said_to_be_at_risk(approvals):
    small = request(action="spend", params={"amount": "900"}, expires=None)
    large = request(action="spend", params={"amount": "4000"}, expires=None)
    risky = request(action="publish", at_risk=2000)
    approvals.ask_all([small, risky, large])
    assert [r.subject for r in approvals.pending(NOW)] == [large.subject, risky.subject, small.subject]


def test_when_nobody_answers_the_next_role_may_decide(approvals):
    subject = approvals.ask(request(requested_by=BOB, params={}))
    late = NOW + timedelta(hours=70)
    assert [p.id for p in approvals.policy.deciders(request(requested_by=BOB), NOW)] == [ADA]
    cmo = ledger(approvals._path.parent, gates={"publish": {"escalate_to": ["cmo"]}})
    with pytest.raises(ApprovalRefused, match="needs editor"):
        cmo.approve(subject, by=DAN, at=NOW + timedelta(hours=60))
    assert cmo.approve(subject, by=DAN, at=late).state == "approved"


def test_a_bypass_is_named_short_and_never_by_the_asker(approvals):
    spend = request(action="spend", params={"amount": "9000"}, expires=None)
    subject = approvals.ask(spend)
    assert approvals.bypass(subject, by=CARA, reason="payment run closes at noon", at=NOW).state == "bypassed"
    assert approvals.status(subject, NOW + timedelta(hours=8)).state == "pending"
    with pytest.raises(ApprovalRefused, match="is pending"):
        approvals.consume(spend, at=NOW + timedelta(hours=8))
    assert approvals.consume(spend, at=NOW + timedelta(hours=7)) == (CARA,)


def test_a_low_risk_card_passes_only_after_the_hours_to_object_and_nothing_else_passes(approvals):
    low = request(action="pattern_low", requested_by="pipeline", expires=None)
    approvals.ask(low)
    with pytest.raises(ApprovalRefused, match="24 hours are not over"):
        approvals.pass_veto(low, at=NOW + timedelta(hours=23))
    approvals.pass_veto(low, at=NOW + timedelta(hours=24))
    assert approvals.status(low.subject, NOW + timedelta(hours=24)).state == "passed"
    approvals.ask(request())
    with pytest.raises(ApprovalRefused, match="waits for a person"):
        approvals.pass_veto(request(), at=NOW + timedelta(hours=30))
    denied = approvals.deny(low.subject, by=CARA, reason="legal", at=NOW + timedelta(days=2))
    assert denied.state == "denied"


def test_asking_twice_is_asking_once(approvals, tmp_path):
    assert approvals.ask(request()) == approvals.ask(request(requested_at=NOW + timedelta(hours=1)))
    assert len(hash_chain.lines_of(tmp_path / "ledger.jsonl")) == 1


def test_a_person_who_left_counts_no_longer_but_what_was_used_stays_true(approvals, tmp_path):
    used = request(artifact_sha256=OTHER)
    for asked in (request(), used):
        approvals.approve(approvals.ask(asked), by=BOB, at=NOW)
    approvals.consume(used, at=NOW)
    people = [{"id": ADA, "roles": ["editor"]}]
    without_bob = ledger(tmp_path, people=people)
    assert without_bob.status(request().subject, NOW).state == "pending"
    assert without_bob.status(used.subject, NOW).state == "consumed"
    assert "bob" in without_bob.check().void[0].reason


def test_two_uses_at_once_succeed_once(approvals, tmp_path):
    approvals.approve(approvals.ask(request()), by=ADA, at=NOW)
    outcomes: list[str] = []

    def use() -> None:
        try:
            ledger(tmp_path).consume(request(), at=NOW)
            outcomes.append("used")
        except ApprovalRefused:
            outcomes.append("refused")

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused"] * 7 + ["used"]


def test_an_edited_ledger_approves_nothing(approvals, tmp_path):
    subject = approvals.ask(request())
    approvals.deny(subject, by=ADA, reason="legal", at=NOW)
    path = tmp_path / "ledger.jsonl"
    path.write_text(path.read_text().replace('"event":"denied"', '"event":"approved"'))
    with pytest.raises(ChainBroken, match="row 2"):
        approvals.consume(request(), at=NOW)


def test_a_crash_between_ledger_and_anchor_loses_nothing(approvals, tmp_path):
    approvals.ask(request())
    anchor = (tmp_path / "elsewhere/anchor.json").read_bytes()
    approvals.approve(request().subject, by=ADA, at=NOW)
    (tmp_path / "elsewhere/anchor.json").write_bytes(anchor)
    with (tmp_path / "ledger.jsonl").open("a") as file:
        file.write('{"event":"appr')
    assert approvals.consume(request(), at=NOW) == (ADA,)
    assert approvals.check().lines == 3


def test_a_missing_anchor_closes_the_gate_until_a_person_compared_the_ledger(approvals, tmp_path):
    approvals.ask(request())
    (tmp_path / "elsewhere/anchor.json").unlink()
    with pytest.raises(LedgerBroken, match="--re-anchor"):
        approvals.approve(request().subject, by=ADA, at=NOW)
    assert approvals.re_anchor() == 1
    assert approvals.approve(request().subject, by=ADA, at=NOW).state == "approved"


def test_only_decisions_are_an_input_of_the_next_run(approvals, tmp_path):
    path = tmp_path / "ledger.jsonl"
    assert decisions_digest(path) == decisions_digest(tmp_path / "none")
    approvals.ask(request())
    asked = decisions_digest(path)
    approvals.approve(request().subject, by=ADA, at=NOW)
    approved = decisions_digest(path)
    approvals.consume(request(), at=NOW)
    assert asked == decisions_digest(tmp_path / "none") != approved == decisions_digest(path)


def test_a_request_that_nobody_could_decide_is_refused():
    with pytest.raises(ValueError, match="no time to decide"):
        request(expires=NOW)
    with pytest.raises(ValueError, match="artifact_sha256"):
        request(artifact_sha256="abc")
