"""pending, approve and deny as a person types them: what is printed, what is recorded, and the exit code."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dagster_project.cli import app
from dagster_project.commands.approvals.open_ledger import now_of
from dagster_project.commands.approvals.queue import waiting_lines
from dagster_project.workspace.approval_ledger import approvals_of
from dagster_project.workspace.paths import Workspace
from dagster_project.workspace.settings import load
from feedback.approvals import Approvals, Request

SETTINGS = """
company: {name: Acme, brand: acme}
clock: 2026-11-02
approvals:
  people:
    - {id: ada@acme.example, name: Ada Okafor, roles: [editor]}
    - {id: bob@acme.example, roles: [editor]}
    - {id: cara@acme.example, roles: [cfo, cmo]}
  gates: {publish: {quorum: 2}}
  agents:
    - {id: "agent:writer", role: copywriter, mandate: headlines, owner: ada@acme.example, success: first hits,
       asks: [publish, spend]}
"""
runner = CliRunner()


@pytest.fixture
def ws(tmp_path: Path) -> Path:
    (tmp_path / "plumbline.yaml").write_text(SETTINGS)
    return tmp_path


def ledger(ws: Path) -> Approvals:
    return approvals_of(Workspace.at(ws), load(ws / "plumbline.yaml"))


def ask(ws: Path, action: str = "publish", **more: object) -> str:
    now = now_of(load(ws / "plumbline.yaml"))
    fields = {"action": action, "artifact_sha256": "a" * 64, "params": {"brand": "acme"}, "requested_at": now}
    fields |= {"requested_by": "agent:writer", "title": "[bold]Post 7[/bold] :x:", "worth": 900}
    return ledger(ws).ask(Request.model_validate({**fields, **more}))


def said(*arguments: object, code: int) -> str:
    result = runner.invoke(app, [str(a) for a in arguments])
    assert result.exit_code == code, result.output + result.stderr
    return result.stdout + result.stderr


def test_nothing_waits_in_a_new_workspace_and_nothing_is_written(ws: Path) -> None:
    assert "nothing waits" in said("pending", ws, code=0)
    assert json.loads(said("pending", ws, "--json", code=0))["pending"] == []
    assert not (ws / "approvals").exists()


def test_a_quorum_is_reached_by_two_people_and_each_step_says_how_they_were_known(ws: Path) -> None:
    subject = ask(ws)
    shown = said("pending", ws, code=0)
    assert "[bold]Post 7[/bold] :x:" in shown
    assert "worth EUR 900" in shown
    assert "0 of 2 have approved; may decide: ada@acme.example, bob@acme.example" in shown
    first = said("approve", ws, subject[:8], "--by", "ada@acme.example", code=0)
    assert "only as stated by the system user" in first
    assert "1 of 2 people have approved" in first
    second = json.loads(said("approve", ws, subject, "--by", "bob@acme.example", "--json", code=0))
    assert (second["state"], second["identified"]) == ("approved", "stated")
    assert "nothing waits" in said("pending", ws, code=0)


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["approve", "SUBJECT", "--by", "eve@acme.example"], 1, "may not decide on publish"),
        (["approve", "SUBJECT", "--by", "agent:writer"], 1, "a machine never approves"),
        (["approve", "SUBJECT", "--by", "cara@acme.example"], 1, "it needs editor"),
        (["approve", "abc", "--by", "ada@acme.example"], 2, "at least 8 characters"),
        (["approve", "f" * 64, "--by", "ada@acme.example"], 2, "no request has a subject"),
        (["approve", "SUBJECT", "--by", "ada@acme.example", "--bypass", " "], 1, "needs its reason"),
        (["deny", "SUBJECT", "--by", "ada@acme.example", "--reason", "dislike"], 2, "use one of wrong_facts"),
        (["pending", "--digest", "--gates"], 2, "one of them at a time"),
        (["pending", "--new-token", "eve@acme.example"], 2, "is not a person; known: ada"),
        (["pending", "--revoke-token", "ada@acme.example"], 1, "has no token"),
        (["pending", "--serve", "--host", "0.0.0.0"], 2, "--public-host"),
        (["pending", "--adopt-key"], 1, "no key to adopt"),
    ],
)
def test_what_cannot_be_is_refused_with_its_exit_code(ws: Path, arguments, code, complaint) -> None:
    subject = ask(ws)
    command, *rest = [subject if a == "SUBJECT" else a for a in arguments]
    assert complaint in said(command, ws, *rest, code=code)
    assert ledger(ws).book().case(subject).approvals == ()


def test_a_person_with_a_token_decides_only_with_it(ws: Path, monkeypatch) -> None:
    subject = ask(ws)
    token = said("pending", ws, "--new-token", "ada@acme.example", code=0).splitlines()[0]
    assert "decides with a token" in said("approve", ws, subject, "--by", "ada@acme.example", code=1)
    monkeypatch.setenv("PLUMBLINE_PERSON_TOKEN", token)
    assert "not one of bob" in said("approve", ws, subject, "--by", "bob@acme.example", code=1)
    assert "identified by token" in said("approve", ws, subject, "--by", "ada@acme.example", code=0)


def test_a_person_with_a_token_asks_only_with_it(ws: Path, monkeypatch) -> None:
    (ws / "post.md").write_text("Seven reasons")
    token = said("pending", ws, "--new-token", "ada@acme.example", code=0).splitlines()[0]
    ours = ("request", ws, "publish", ws / "post.md", "--by", "ada@acme.example")
    assert "decides with a token" in said(*ours, code=1)
    monkeypatch.setenv("PLUMBLINE_PERSON_TOKEN", token)
    assert "is pending" in said(*ours, code=0)


def test_require_token_demands_it_of_everybody(ws: Path) -> None:
    subject = ask(ws)
    (ws / "plumbline.yaml").write_text(SETTINGS + "  require_token: true\n")
    assert "--new-token ada" in said("approve", ws, subject, "--by", "ada@acme.example", code=1)


def test_the_digest_holds_at_most_the_week_s_decisions_and_names_a_gate_nobody_can_fulfil(ws: Path) -> None:
    for i in range(7):
        ask(ws, artifact_sha256=f"{i:064x}", worth=i)
    week = json.loads(said("pending", ws, "--digest", "--json", code=0))
    assert [d["worth"] for d in week["pending"]] == ["6", "5", "4", "3", "2"]
    assert week["left_for_later"] == 2
    ask(ws, "spend", params={"brand": "acme", "amount": "5000"}, worth=9000)
    assert "too few people may decide on spend" in said("pending", ws, "--digest", code=0)


def test_the_digest_keeps_what_others_have_begun_however_many_were_decided(ws: Path) -> None:
    begun = ask(ws, artifact_sha256="f" * 64, worth=0)
    said("approve", ws, begun, "--by", "ada@acme.example", code=0)
    for i in range(5):
        subject = ask(ws, artifact_sha256=f"{i:064x}", worth=9)
        for person in ("ada@acme.example", "bob@acme.example"):
            said("approve", ws, subject, "--by", person, code=0)
    week = json.loads(said("pending", ws, "--digest", "--json", code=0))
    assert [d["subject"] for d in week["pending"]] == [begun]


def test_check_says_what_the_ledger_is_worth_and_fails_when_it_was_cut(ws: Path, monkeypatch) -> None:
    monkeypatch.setenv("PLUMBLINE_APPROVAL_KEY", "0123456789abcdef0123456789abcdef")
    subject = ask(ws)
    said("approve", ws, subject, "--by", "ada@acme.example", code=0)
    assert "2 lines follow from each other, every line is signed" in said("pending", ws, "--check", code=0)
    path = ws / "approvals/ledger.jsonl"
    whole = path.read_text()
    path.write_text(whole.splitlines(keepends=True)[0])
    assert "lines were cut off" in said("pending", ws, "--check", code=1)
    assert json.loads(said("pending", ws, "--check", "--json", code=1))["ok"] is False
    assert "lines were cut off" in said("pending", ws, code=3)
    assert "lines were cut off" in said("approve", ws, subject, "--by", "bob@acme.example", code=3)
    path.write_text(whole)
    monkeypatch.delenv("PLUMBLINE_APPROVAL_KEY")
    assert "the key is not at hand" in said("pending", ws, "--check", code=1)
    assert "the key is not at hand" in said("approve", ws, subject, "--by", "bob@acme.example", code=3)
    monkeypatch.setenv("PLUMBLINE_APPROVAL_KEY", "short")
    assert "at least 16" in said("pending", ws, code=2)


def test_gates_and_agents_are_told_as_tables_and_as_json(ws: Path) -> None:
    subject = ask(ws)
    said("deny", ws, subject, "--by", "ada@acme.example", "--reason", "not_now", code=0)
    told = json.loads(said("pending", ws, "--gates", "--json", code=0))
    assert (told["gates"][0]["action"], told["gates"][0]["verdict"]) == ("publish", "too few")
    assert told["decision_debt"]["open"] == 0
    assert "too few" in said("pending", ws, "--gates", code=0)
    assert json.loads(said("pending", ws, "--agents", "--json", code=0))["agents"][0]["id"] == "agent:writer"
    assert "copywriter" in said("pending", ws, "--agents", code=0)


def test_a_set_day_dates_the_decision(ws: Path) -> None:
    subject = ask(ws)
    said("approve", ws, subject, "--by", "ada@acme.example", code=0)
    now = now_of(load(ws / "plumbline.yaml"))
    assert ledger(ws).book().case(subject).approvals[0].at == now
    assert now - now.replace(hour=0, minute=0, second=0) > timedelta(hours=23)


def test_a_run_ends_by_saying_what_waits_or_why_nobody_can_tell(ws: Path) -> None:
    workspace, settings = Workspace.at(ws), load(ws / "plumbline.yaml")
    assert waiting_lines(workspace, settings, ws) == []
    ask(ws)
    assert waiting_lines(workspace, settings, ws) == [f"  1 decision waits for a person: plumbline pending {ws}"]
    (ws / "approvals/ledger.jsonl").write_text("{}\n")
    assert "does not follow" in waiting_lines(workspace, settings, ws)[0]


def test_an_agent_asks_for_a_file_and_acts_once_on_exactly_that_file(ws: Path) -> None:
    post = ws / "post.md"
    post.write_text("Seven reasons")
    ours = ("request", ws, "publish", post, "--by", "agent:writer", "--param", "channel=meta")
    asked = json.loads(said(*ours, "--worth", "1200", "--json", code=0))
    assert asked["state"] == "pending"
    assert "is pending" in said(*ours, "--use", "post 17", code=1)
    for person in ("ada@acme.example", "bob@acme.example"):
        said("approve", ws, asked["subject"], "--by", person, code=0)
    assert "is unknown" in said(*ours[:-1], "channel=linkedin", "--use", "post 17", code=1)
    post.write_text("Eight reasons")
    assert "is unknown" in said(*ours, "--use", "post 17", code=1)
    post.write_text("Seven reasons")
    for _ in range(2):
        assert "consumed by ada@acme.example, bob@acme.example" in said(*ours, "--use", "post 17", code=0)
    assert "is consumed" in said(*ours, "--use", "post 18", code=1)


@pytest.mark.parametrize(
    ("action", "more", "code", "complaint"),
    [
        ("audience", ["--by", "agent:writer"], 1, "not in the mandate"),
        ("publish", ["--by", "agent:nobody"], 1, "not in the roster"),
        ("publish", ["--by", "eve@acme.example"], 1, "may not request anything"),
        ("fly", ["--by", "ada@acme.example"], 1, "has no gate"),
        ("publish", ["--by", "pipeline"], 1, "only a run asks as pipeline"),
        ("publish", ["--by", "agent:writer", "--worth", "1e9999999"], 2, "less than or equal to"),
        ("publish", ["--by", "agent:writer", "--param", "brand=bolt"], 2, "the brand is the workspace's"),
        ("publish", ["--by", "agent:writer", "--param", "channel"], 2, "write NAME=VALUE"),
        ("publish", ["--by", "agent:writer", "--worth", "much"], 2, "is not an amount"),
        ("publish", ["--by", "agent:writer", "--title", "a\u202eb"], 2, "invisible character"),
        ("spend", ["--by", "agent:writer", "--param", "amount=NaN"], 0, "is pending"),
    ],
)
def test_a_request_that_cannot_be_made_says_why(ws: Path, action, more, code, complaint) -> None:
    (ws / "post.md").write_text("Seven reasons")
    assert complaint in said("request", ws, action, ws / "post.md", *more, code=code)


def test_a_file_that_is_missing_cannot_be_asked_for(ws: Path) -> None:
    assert "is not a file" in said("request", ws, "publish", ws / "none.md", "--by", "agent:writer", code=2)


def test_a_workspace_without_people_says_that_nobody_may_object(tmp_path: Path) -> None:
    (tmp_path / "plumbline.yaml").write_text("company: {name: Acme, brand: acme}\nclock: 2026-11-02\n")
    ask(tmp_path, "pattern_low", requested_by="pipeline")
    shown = said("pending", tmp_path, code=0)
    assert "nothing waits for a decision" in shown
    assert "enters the feed 24 hours after it was announced" in shown
    assert "nobody may object to what is announced" in shown
    assert waiting_lines(Workspace.at(tmp_path), load(tmp_path / "plumbline.yaml"), tmp_path) == []
