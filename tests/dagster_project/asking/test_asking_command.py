"""`plumbline ask` as a user calls it: exit codes, sentences and the JSON document."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dagster_project.asking import asker, session
from dagster_project.cli import app
from tests.dagster_project.asking.asking_workspace import land_panel
from tests.dagster_project.asking.stub_library import Refused, StubLibrary

YAML = """
ai:
  brands: [Acme, Rival]
  category: CRM software
  engines: [{name: openai, model: openai/gpt-5-mini, key: OPENAI_API_KEY, per_minute: 6000}]
llm: {daily_cap: 5, monthly_cap: 50}
"""


@pytest.fixture
def ws(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setattr(asker, "FIRST_PAUSE", 0.001)
    (tmp_path / "plumbline.yaml").write_text(YAML)
    land_panel(tmp_path / "landing")
    return tmp_path


@pytest.fixture
def run(ws, monkeypatch):
    def call(*arguments: str, library: StubLibrary | None = None):
        monkeypatch.setattr(session, "library", lambda: library or StubLibrary())
        return CliRunner().invoke(app, ["ask", str(ws), *arguments])

    return call


def test_a_day_is_asked_and_told_as_text_and_as_json(run):
    said = run("--any-day")
    assert said.exit_code == 0, said.output
    assert "3 asked" in said.output
    assert "landing/ai_answers/asked-" in said.output
    document = json.loads(run("--any-day", "--json").stdout)
    assert (document["answered_before"], document["complete"], document["open"]) == (3, True, {})


def test_an_engine_that_refuses_the_key_is_exit_1_with_what_to_check(run):
    def behave(question: str, call: int) -> None:
        raise Refused(401)

    said = run("--any-day", library=StubLibrary(behave))
    assert said.exit_code == 1
    assert "check the variable that `key` names" in " ".join(said.output.split())
    assert "sk-secret" not in said.output


def test_what_is_wrong_with_the_configuration_is_exit_2(run, ws, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    said = run("--any-day")
    assert (said.exit_code, "OPENAI_API_KEY (openai)" in said.output) == (2, True)
    assert run("--write").exit_code == 2
    (ws / "plumbline.yaml").write_text(YAML.replace("category: CRM software", ""))
    said = run("--propose")
    assert said.exit_code == 2
    assert "ai.category" in said.output


def test_a_proposed_panel_is_written_once_and_can_be_asked(run, ws):
    (ws / "landing" / "ai_panel" / "2026-11-01-panel.csv").unlink()
    assert run("--dry-run").exit_code == 2
    document = json.loads(run("--propose", "--write", "--json").stdout)
    assert document["written"].endswith("-panel.csv")
    assert run("--propose", "--write").exit_code == 2
    plan = json.loads(run("--dry-run", "--json").stdout)
    assert plan["engines"][0]["prompts"] == len(document["prompts"])
    assert plan["precision"]["core_prompts"] == 42
    assert plan["panel_version"] is None
    assert not (ws / "asking").exists()
