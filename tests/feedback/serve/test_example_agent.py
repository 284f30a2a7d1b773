"""The example agent against a model server on a real socket: it applies what was offered and claims nothing else."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from benchmarks.feed.memory import cards
from dagster_project.cli import app
from feedback.memory import publish
from feedback.serve.example_agent import AgentStopped, Skill, main

NOW = datetime(2026, 11, 16, 6, tzinfo=UTC)


class Model(ThreadingHTTPServer):
    """Answers chat completions in OpenAI's shape; what it was asked is kept, what it says is chosen by the test."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.said: list[str | None] = []  # None: follow every card that is in the data
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Model)
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append(request)
        data = request["messages"][1]["content"].partition("<data>\n")[2].partition("\n</data>")[0]
        ids = [card["pattern_id"] for card in json.loads(data)["patterns"]]
        said = self.server.said.pop(0) if self.server.said else None
        content = said if said is not None else json.dumps({"text": "Five steps to close.", "applied": ids})
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        answer = {
            "id": "c1",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [choice],
            "usage": usage,
        }
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def model() -> Iterator[Model]:
    server = Model()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join(timeout=5)


def test_a_skill_file_without_a_command_is_refused() -> None:
    with pytest.raises(AgentStopped, match="no command for brand, receipt"):
        Skill.of("```\nplumbline feed offer --brief BRIEF WS --json > offer.json\n```")


@pytest.mark.slow
def test_the_agent_writes_variants_by_the_skill_file_and_returns_receipts(
    model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in (("PLUMBLINE_FEED_KEY", "k" * 40), ("OPENAI_API_KEY", "none"), ("NO_PROXY", "127.0.0.1")):
        monkeypatch.setenv(name, value)
    ws, out = tmp_path / "ws", tmp_path / "out"
    (ws / "landing").mkdir(parents=True)
    (ws / "plumbline.yaml").write_text("company: {brand: acme}\nclock: 2026-11-16\n")
    publish(ws / "memory", "acme", cards(12, NOW), NOW)
    assert CliRunner().invoke(app, ["feed", "skill", str(ws), "--out", str(tmp_path)]).exit_code == 0
    # The first answer is not JSON and is repaired.
    model.said = ["Certainly! Here is your text."]
    arguments = ["--skill", str(tmp_path / "SKILL.md"), "--brief", "b7", "--channel", "meta", "--task", "Write a post."]
    arguments += [
        "--model",
        "openai/m",
        "--api-base",
        f"http://127.0.0.1:{model.server_address[1]}/v1",
        "--out",
        str(out),
    ]
    assert main([*arguments, "--variants", "1"]) == 0, capsys.readouterr().err
    assert [len(request["messages"]) for request in model.asked] == [2, 4]
    assert all("tools" not in request for request in model.asked)
    told = capsys.readouterr().out
    offered = [card["pattern_id"] for card in json.loads((out / "offer-0.json").read_text())["patterns"]]
    assert f"variant 0: follows {', '.join(sorted(offered)) or 'no card'}\n" in told
    returned = sorted((ws / "landing" / "receipts" / "returned").glob("*.jsonl"))
    assert len(returned) == 1
    # A claim on a card that was not offered is refused twice, and nothing is reported for it.
    foreign = json.dumps({"text": "Text.", "applied": ["pat_zzzzzzzz"]})
    model.said = [foreign, foreign]
    assert main([*arguments, "--variants", "1", "--brief", "b8"]) == 3
    assert "was not offered" in capsys.readouterr().err
    assert sorted((ws / "landing" / "receipts" / "returned").glob("*.jsonl")) == returned
