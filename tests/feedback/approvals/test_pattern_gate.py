"""The gate of pattern cards: risky ones wait for people, low-risk ones for the time to object, denied ones go."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from made_cards import NOW, RUN, decision
from made_requests import ADA, BOB, CARA, ledger

from feedback.approvals import Approvals
from feedback.approvals.pattern_gate import UnknownRisk, gated
from feedback.patterns import Card, block, next_versions, problems
from feedback.storage import hash_chain
from models.patterns import Decision

DAY = timedelta(days=1)


def run_once(stored: list[Card], approvals: Approvals, now: datetime, *decisions: Decision, **more: Any) -> list[Card]:
    """One day of the pipeline: the gate, then the card versions that follow; returns the new ones."""
    from dataclasses import replace

    gate = gated(decisions, stored, RUN, approvals, now, **more)
    new = next_versions(stored, gate.decisions, now, replace(RUN, approvals=gate.approvals))
    assert [problems(card) for card in new] == [[] for _ in new]
    stored.extend(new)
    return new


def states(cards: list[Card]) -> list[str]:
    return [card["state"] for card in cards]


def test_a_claim_is_promoted_by_two_people_and_says_so_without_an_address(tmp_path: Path) -> None:
    approvals, stored = ledger(tmp_path, brand="acme"), []
    claim = decision(risk="claim")
    assert states(run_once(stored, approvals, NOW, claim)) == ["provisional"]
    (request,) = approvals.pending(NOW)
    assert (request.action, request.quorum) == ("pattern_claim", 2)
    assert "90 % interval" in request.evidence
    approvals.approve(request.subject, by=ADA, at=NOW)
    assert run_once(stored, approvals, NOW + timedelta(hours=1), claim) == []
    approvals.approve(request.subject, by=CARA, at=NOW + timedelta(hours=2))
    (card,) = run_once(stored, approvals, NOW + DAY, claim)
    assert card["state"] == "promoted"
    assert card["governance"]["approval_subject"] == request.subject
    assert card["governance"]["approved_by"] == "Ada Okafor, a person (compliance, cfo)"
    assert "@" not in str(card["governance"])


def test_new_figures_keep_the_consent_and_another_scope_asks_anew(tmp_path: Path) -> None:
    from made_cards import estimate

    approvals, stored = ledger(tmp_path), []
    brand = decision(risk="brand")
    run_once(stored, approvals, NOW, brand)
    approvals.approve(approvals.pending(NOW)[0].subject, by=ADA, at=NOW)
    run_once(stored, approvals, NOW + DAY, brand)
    fresher = decision(risk="brand", estimate=estimate(shrunk=0.06))
    (card,) = run_once(stored, approvals, NOW + 8 * DAY, fresher)
    assert (card["state"], card["governance"]["approved_by"]) == ("promoted", "Ada Okafor")
    riskier = decision(risk="regulated", estimate=estimate(shrunk=0.06))
    assert states(run_once(stored, approvals, NOW + 9 * DAY, riskier)) == ["provisional"]
    assert [r.action for r in approvals.pending(NOW + 9 * DAY)] == ["pattern_regulated"]


def test_a_low_risk_card_is_announced_and_enters_after_the_hours_to_object(tmp_path: Path) -> None:
    approvals, stored = ledger(tmp_path), []
    assert states(run_once(stored, approvals, NOW, decision())) == ["provisional"]
    assert run_once(stored, approvals, NOW + timedelta(hours=23), decision()) == []
    (card,) = run_once(stored, approvals, NOW + timedelta(hours=24), decision())
    assert (card["state"], card["governance"]["approved_by"]) == ("promoted", None)
    assert run_once(stored, approvals, NOW + 2 * DAY, decision()) == []
    assert len(hash_chain.lines_of(tmp_path / "ledger.jsonl")) == 2


def test_without_hours_to_object_a_low_risk_card_is_not_announced(tmp_path: Path) -> None:
    approvals, stored = ledger(tmp_path, veto_hours=0), []
    assert states(run_once(stored, approvals, NOW, decision())) == ["promoted"]
    assert not (tmp_path / "ledger.jsonl").exists()


@pytest.mark.parametrize("risk", ["low", "brand"])
def test_a_denied_card_is_blocked_before_and_after_it_entered(tmp_path: Path, risk: str) -> None:
    approvals, stored = ledger(tmp_path), []
    card = decision(risk=risk)
    run_once(stored, approvals, NOW, card)
    subject = approvals.pending(NOW)[0].subject
    approvals.approve(subject, by=ADA, at=NOW)
    assert states(run_once(stored, approvals, NOW + DAY, card)) == ["promoted"]
    approvals.deny(subject, by=ADA, reason="brand", at=NOW + 2 * DAY)
    (gone,) = run_once(stored, approvals, NOW + 2 * DAY, card)
    assert (gone["state"], gone["retire_reason"]) == ("blocked", "human_block")
    assert run_once(stored, approvals, NOW + 60 * DAY, card) == []


def test_not_now_holds_the_card_and_asks_again_after_four_weeks(tmp_path: Path) -> None:
    approvals, stored = ledger(tmp_path), []
    card = decision(risk="brand")
    run_once(stored, approvals, NOW, card)
    approvals.deny(approvals.pending(NOW)[0].subject, by=ADA, reason="not_now", at=NOW)
    for days in (1, 27):
        assert run_once(stored, approvals, NOW + days * DAY, card) == []
        assert approvals.pending(NOW + days * DAY) == []
    run_once(stored, approvals, NOW + 28 * DAY, card)
    assert len(approvals.pending(NOW + 28 * DAY)) == 1


def test_what_a_person_blocked_stays_blocked_whatever_the_statistics_say(tmp_path: Path) -> None:
    approvals, stored = ledger(tmp_path, veto_hours=0), []
    run_once(stored, approvals, NOW, decision())
    stored.append(block(stored[0], NOW + timedelta(hours=1)))
    assert run_once(stored, approvals, NOW + DAY, decision()) == []


def test_a_card_that_left_the_feed_needs_new_consent(tmp_path: Path) -> None:
    approvals, stored = ledger(tmp_path), []
    card = decision(risk="brand")
    run_once(stored, approvals, NOW, card)
    approvals.approve(approvals.pending(NOW)[0].subject, by=ADA, at=NOW)
    run_once(stored, approvals, NOW + DAY, card)
    run_once(stored, approvals, NOW + 8 * DAY, decision(state="retired", risk="brand", retire_reason="below_rule"))
    assert states(run_once(stored, approvals, NOW + 90 * DAY, card)) == ["provisional"]
    assert len(approvals.pending(NOW + 90 * DAY)) == 1


def test_a_run_that_died_after_the_use_finds_its_approval_again(tmp_path: Path) -> None:
    approvals, stored = ledger(tmp_path), []
    card = decision(risk="brand")
    run_once(stored, approvals, NOW, card)
    approvals.approve(approvals.pending(NOW)[0].subject, by=ADA, at=NOW)
    lost = gated([card], stored, RUN, approvals, NOW + DAY)
    assert lost.decisions[0].state == "promoted"
    assert states(run_once(stored, approvals, NOW + DAY + timedelta(minutes=5), card)) == ["promoted"]


@pytest.mark.parametrize("risk", ["brand", "low"])
def test_a_warehouse_that_is_made_again_keeps_what_people_decided(tmp_path: Path, risk: str) -> None:
    approvals, stored = ledger(tmp_path), []
    card = decision(risk=risk)
    run_once(stored, approvals, NOW, card)
    if risk == "brand":
        approvals.approve(approvals.pending(NOW)[0].subject, by=ADA, at=NOW)
    assert states(run_once(stored, approvals, NOW + DAY, card)) == ["promoted"]
    lines = len(hash_chain.lines_of(tmp_path / "ledger.jsonl"))
    assert states(run_once([], approvals, NOW + 3 * DAY, card)) == ["promoted"]
    assert len(hash_chain.lines_of(tmp_path / "ledger.jsonl")) == lines


def test_an_expired_request_is_not_consent_and_is_asked_again(tmp_path: Path) -> None:
    approvals, stored = ledger(tmp_path), []
    card = decision(risk="brand")
    run_once(stored, approvals, NOW, card)
    approvals.pending(NOW)
    assert run_once(stored, approvals, NOW + 8 * DAY, card) == []
    assert approvals.pending(NOW + 8 * DAY)[0].requested_at == NOW + 8 * DAY


def test_a_run_of_an_earlier_day_asks_nobody_and_uses_nothing(tmp_path: Path) -> None:
    approvals, stored = ledger(tmp_path), []
    assert states(run_once(stored, approvals, NOW, decision(risk="brand"), may_ask=False)) == ["provisional"]
    assert not (tmp_path / "ledger.jsonl").exists()


def test_a_risk_of_a_feature_that_does_not_exist_stops_everything(tmp_path: Path) -> None:
    with pytest.raises(UnknownRisk, match=r"headline.scince_data is not in the vocabulary.*headline.science_data"):
        run_once([], ledger(tmp_path, risks={"headline.scince_data": "claim"}), NOW, decision())


def test_consent_to_one_channel_is_not_consent_to_another(tmp_path: Path) -> None:
    approvals, stored = ledger(tmp_path), []
    both = [decision(risk="brand", channels=("meta",)), decision(risk="brand", channels=("linkedin",))]
    run_once(stored, approvals, NOW, *both)
    meta = next(r for r in approvals.pending(NOW) if "on meta" in r.title)
    approvals.approve(meta.subject, by=ADA, at=NOW)
    promoted = run_once(stored, approvals, NOW + DAY, *both)
    assert [c["scope"]["channels"] for c in promoted] == [["meta"]]
    assert BOB not in str(promoted)
