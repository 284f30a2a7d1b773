"""`plumbline feed`: tokens and brand documents from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dagster_project.cli import app

DOCUMENT = "---\nkind: voice\nid: voice\nversion: 1\ntitle: T\nsource: S\nvalid_from: 2026-01-15\n---\nWrite plainly.\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    made = CliRunner().invoke(app, ["init", str(tmp_path / "ws")])
    assert made.exit_code == 0, made.output
    return tmp_path / "ws"


def run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["feed", *map(str, arguments)])
    return result.exit_code, result.output


def test_a_token_is_made_listed_replaced_and_revoked(workspace: Path) -> None:
    code, output = run("token", "new", workspace, "--note", "copy desk", "--json")
    first = json.loads(output)
    assert (code, first["state"], first["note"]) == (0, "valid", "copy desk")
    code, output = run("token", "new", workspace, "--replaces", first["id"], "--json")
    second = json.loads(output)
    rows = json.loads(run("token", "list", workspace, "--json")[1])["tokens"]
    assert [row["id"] for row in rows] == [first["id"], second["id"]]
    assert rows[0]["revoked"] is not None
    assert first["token"] not in json.dumps(rows)
    assert run("token", "revoke", second["id"], workspace)[0] == 0
    assert [row["state"] for row in json.loads(run("token", "list", workspace, "--json")[1])["tokens"]] == [
        "valid",
        "revoked",
    ]
    code, output = run("token", "revoke", "unknown", workspace)
    assert (code, "there is no token 'unknown'" in output) == (2, True)


def test_brand_documents_are_listed_and_a_fault_is_a_no(workspace: Path) -> None:
    assert run("brand", workspace)[0] == 0
    (workspace / "brand").mkdir(exist_ok=True)
    (workspace / "brand" / "voice.md").write_text(DOCUMENT)
    rows = json.loads(run("brand", workspace, "--json")[1])["documents"]
    assert [(row["document"], row["in force"]) for row in rows] == [("voice@1", True)]
    (workspace / "brand" / "voice.md").write_text(DOCUMENT.replace("kind: voice", "kind: song"))
    code, output = run("brand", workspace)
    assert code == 1
    assert "brand/voice.md, row 2, kind" in output


def test_a_server_for_other_machines_needs_a_token(workspace: Path) -> None:
    (workspace / "memory").mkdir(exist_ok=True)
    code, output = run("serve", workspace, "--host", "0.0.0.0")
    assert code == 2
    assert "set a token" in output
