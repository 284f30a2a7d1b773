"""The policy: names that do not exist are refused in a sentence, and an agent does only what its mandate says."""

from __future__ import annotations

from decimal import Decimal

import pytest
from made_requests import ADA, POLICY, WRITER, policy, request
from pydantic import ValidationError

from feedback.approvals import ApprovalPolicy
from feedback.approvals.gates import ACTIONS, AGENT_TASKS, MAY_BE_DELEGATED, Gate


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        pytest.param({"people": [{"id": "x", "roles": ["ediitor"]}]}, "people x: ediitor is not a role", id="role"),
        pytest.param({"gates": {"publsh": {}}}, "publsh is not an action; write one of brief", id="action"),
        pytest.param({"gates": {"publish": {"roles": ["boss"]}}}, "gates.publish: boss is not a role", id="gate"),
        pytest.param({"gates": {"publish": {"escalate_to": ["boss"]}}}, "boss is not a role", id="escalation"),
        pytest.param({"approvers": [WRITER], "agents": []}, "only people decide", id="an agent approves"),
        pytest.param({"approvers": [ADA]}, "listed twice", id="twice"),
        pytest.param({"people": [{"id": "agent:x", "roles": ["cfo"]}]}, "agents never decide", id="agent as person"),
        pytest.param({"people": [{"id": "аda", "roles": ["cfo"]}]}, "pattern", id="a Cyrillic a"),
        pytest.param({"agents": [{**POLICY["agents"][0], "owner": "zoe"}]}, "owner zoe is not a person", id="owner"),
        pytest.param({"agents": [{**POLICY["agents"][0], "id": "writer"}]}, "write agent:writer", id="agent id"),
        pytest.param({"agents": [{**POLICY["agents"][0], "may": ["fly"]}]}, "fly is not an action", id="task"),
        pytest.param(
            {"agents": [{**POLICY["agents"][0], "may": ["audience"]}]}, "audience cannot stand here", id="too free"
        ),
    ],
)
def test_a_name_that_cannot_be_is_refused_with_the_known_ones(changed, complaint):
    with pytest.raises(ValidationError, match=complaint):
        policy(**changed)


def test_the_short_form_gives_each_named_person_every_role():
    short = ApprovalPolicy(approvers=("ada", "bob"), weekly_limit=3)
    for action in ACTIONS:
        asked = request(action=action, requested_by="pipeline")
        assert [p.id for p in short.deciders(asked, asked.requested_at)] == ["ada", "bob"]
        assert short.fulfilled(asked, ["ada", "bob"])
    assert not short.fulfilled(request(action="spend"), ["ada"])
    assert not short.fulfilled(request(action="spend"), ["ada", "ada"])


def test_a_gate_keeps_the_defaults_that_plumbline_yaml_does_not_name():
    gate = policy(gates={"publish": {"quorum": 2}}).gate("publish")
    assert gate is not None
    assert (gate.quorum, gate.roles, gate.expires_hours) == (2, ("editor",), 72)


@pytest.mark.parametrize(
    ("amount", "people"), [("100", 1), ("1000", 1), ("1000.01", 2), (None, 2)], ids=["small", "at", "above", "unstated"]
)
def test_above_the_limit_two_people_decide_and_an_unknown_amount_is_above(amount, people):
    gate = Gate(roles=("cfo",), two_above=Decimal(1000))
    assert gate.people_needed(Decimal(amount) if amount else None) == people


@pytest.mark.parametrize(
    ("agent", "action", "amount", "verdict"),
    [
        pytest.param(WRITER, "draft", None, "free", id="its own work"),
        pytest.param(WRITER, "publish", None, "ask", id="a gate"),
        pytest.param(WRITER, "spend", "500", "free", id="small change"),
        pytest.param(WRITER, "spend", "500.01", "ask", id="above"),
        pytest.param(WRITER, "spend", None, "ask", id="no amount"),
        pytest.param(WRITER, "spend", "NaN", "ask", id="not a number"),
        pytest.param(WRITER, "spend", "-1", "ask", id="below zero"),
        pytest.param(WRITER, "audience", None, "never", id="outside its mandate"),
        pytest.param("agent:wrіter", "draft", None, "never", id="a Cyrillic i"),
        pytest.param(ADA, "draft", None, "never", id="a person is no agent"),
    ],
)
def test_what_an_agent_may_do_without_asking(agent, action, amount, verdict):
    said = policy().permission(agent, action, amount=Decimal(amount) if amount else None)
    assert said.verdict == verdict
    assert said.reason


def test_nothing_on_money_audience_brand_or_regulated_text_can_be_delegated():
    assert set(MAY_BE_DELEGATED) == {"brief", "publish", "redistribute"}
    assert not set(AGENT_TASKS) & set(ACTIONS)
