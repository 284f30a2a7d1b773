"""What gates cost, counted by hand on small ledgers: waits, changes, money, and the measures of decision debt."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from made_requests import ADA, BOB, NOW, ledger, policy, request

from feedback.approvals.cases import read_book
from feedback.approvals.gate_costs import decision_debt, gate_costs
from feedback.approvals.request import event_of

HOUR = timedelta(hours=1)


def costs(approvals, at):
    return {cost.action: cost for cost in gate_costs(approvals.book(), approvals.policy, at)}


def test_waits_count_what_is_still_open_and_what_expired(tmp_path: Path) -> None:
    approvals = ledger(tmp_path)
    subjects = [approvals.ask(request(artifact_sha256=f"{i:064x}", expires=None)) for i in range(5)]
    for hours, subject in zip((2, 4, 6), subjects, strict=False):
        approvals.approve(subject, by=ADA, at=NOW + hours * HOUR)
    cost = costs(approvals, NOW + 10 * HOUR)["publish"]
    assert (cost.decided, cost.open, cost.expired) == (3, 2, 0)
    assert cost.median_wait_hours == 6
    assert cost.p85_wait_hours is None
    assert cost.hours_waited == 2 + 4 + 6 + 10 + 10
    late = costs(approvals, NOW + 100 * HOUR)["publish"]
    assert (late.expired, late.open, late.verdict) == (2, 0, "too few")


@pytest.mark.parametrize(
    ("denied", "lost", "at_risk", "verdict"),
    [
        pytest.param(2, "300", "100", "costs more than it protects", id="more expired than was held back"),
        pytest.param(2, "100", "300", "protects more than it costs", id="more was held back"),
        pytest.param(2, None, None, "changes", id="no money, some denials"),
    ],
)
def test_a_gate_is_judged_in_money_where_it_is_known(tmp_path: Path, denied, lost, at_risk, verdict) -> None:
    approvals = ledger(tmp_path, weekly_limit=50)
    money = {"worth": lost, "at_risk": at_risk, "expires": None}
    for i, subject in enumerate(approvals.ask_all(request(artifact_sha256=f"{i:064x}", **money) for i in range(20))):
        if i < denied:
            approvals.deny(subject, by=ADA, reason="brand", at=NOW + HOUR)
        elif i > denied + 1:
            approvals.approve(subject, by=ADA, at=NOW + HOUR)
    cost = costs(approvals, NOW + 100 * HOUR)["publish"]
    assert (cost.changed, cost.expired, cost.decided) == (denied, 2, 18)
    assert cost.lost == (2 * Decimal(lost) if lost else None)
    assert cost.protected == (denied * Decimal(at_risk) if at_risk else None)
    assert cost.verdict == verdict


def test_a_gate_that_never_changes_anything_is_named_once_enough_is_known() -> None:
    entries = []
    at = (NOW + HOUR).isoformat()
    for i in range(60):
        asked = policy().terms(request(artifact_sha256=f"{i:064x}"))
        yes = {
            "event": "approved",
            "subject": asked.subject,
            "by": ADA,
            "at": at,
            "how": "person",
        }
        entries += [event_of(asked), yes]
    (cost,) = gate_costs(read_book(entries, policy()), policy(), NOW + 2 * HOUR)
    assert cost.verdict == "changes nothing"
    assert cost.share_changed_high == pytest.approx(1.645**2 / (60 + 1.645**2))


def test_decision_debt_counts_queue_haste_abandonment_and_overturned_denials(tmp_path: Path) -> None:
    approvals = ledger(tmp_path)
    subjects = [approvals.ask(request(artifact_sha256=f"{i:064x}", expires=None)) for i in range(6)]
    approvals.approve(subjects[0], by=ADA, at=NOW + HOUR, seconds_shown=3.0)
    approvals.approve(subjects[1], by=ADA, at=NOW + HOUR, seconds_shown=40.0)
    approvals.deny(subjects[2], by=ADA, reason="not_now", at=NOW + HOUR)
    approvals.ask(request(artifact_sha256=f"{2:064x}", requested_at=NOW + 2 * HOUR, expires=None))
    approvals.approve(subjects[2], by=BOB, at=NOW + 3 * HOUR)
    approvals.ask(request(action="pattern_low", requested_by="pipeline", expires=None))
    assert len(decision_debt(approvals.book(), approvals.policy, NOW + 10 * HOUR).alarms) == 1
    for subject in approvals.ask_all(request(action="brief", artifact_sha256=f"{i:064x}") for i in range(3)):
        approvals.approve(subject, by=ADA, at=NOW + HOUR, seconds_shown=1.0)
    debt = decision_debt(approvals.book(), approvals.policy, NOW + 10 * HOUR)
    assert (debt.open, debt.opened_per_week, debt.decided_per_week) == (3, 10 / 4, 7 / 4)
    assert debt.opened_per_decided == 10 / 7
    assert (debt.timed_decisions, debt.share_under_10_s) == (5, 0.8)
    assert debt.overturned_denials == 1.0
    assert debt.p85_age_hours == 10
    assert len(debt.alarms) == 2
    later = decision_debt(approvals.book(), approvals.policy, NOW + 200 * HOUR)
    assert later.abandoned == 3 / 10


def test_an_empty_ledger_says_nothing_rather_than_zero(tmp_path: Path) -> None:
    approvals = ledger(tmp_path)
    assert gate_costs(approvals.book(), approvals.policy, NOW) == []
    debt = decision_debt(approvals.book(), approvals.policy, NOW)
    assert (debt.opened_per_decided, debt.median_decision_hours, debt.share_under_10_s, debt.alarms) == (
        None,
        None,
        None,
        (),
    )
