"""`plumbline feed events` and `feed relay`, as an operator meets them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from typer.testing import CliRunner

from dagster_project.cli import app
from feedback.memory.embedded_store import EmbeddedStore
from feedback.memory.store import Change, Event, Version

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HOOK = """
events:
  webhooks: [{{name: cms, url: "{url}", secret: PLUMBLINE_HOOK}}]
  allow_hosts: [{allowed}]
"""


def run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["feed", *map(str, arguments)])
    return result.exit_code, result.output


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "ws"
    assert CliRunner().invoke(app, ["init", str(folder)]).exit_code == 0
    store = EmbeddedStore(folder / "memory", "my-company")
    for n in (1, 2):
        event = Event("pattern.promoted", f"pat_{n}", datetime(2026, 11, 16, tzinfo=UTC), {"state": "promoted", "n": n})
        store.commit([Change(Version("pattern", f"pat_{n}", 1, "promoted", {"n": n}), event)])
    store.close()
    return folder


@pytest.fixture
def receiver() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/in"
    server.shutdown()
    server.server_close()


def configure(workspace: Path, url: str, allowed: str = "127.0.0.1") -> None:
    with (workspace / "plumbline.yaml").open("a") as file:
        file.write(HOOK.format(url=url, allowed=allowed))


def test_events_are_listed_and_read_on_after_a_number(workspace: Path) -> None:
    answer = json.loads(run("events", workspace, "--json", "--limit", "1")[1])
    assert (answer["head"], answer["next_after"], answer["events"][0]["subject"]) == (2, 1, "pat_1")
    answer = json.loads(run("events", workspace, "--json", "--after", "1")[1])
    assert (answer["next_after"], [e["subject"] for e in answer["events"]]) == (2, ["pat_2"])
    code, output = run("events", workspace, "--after", "9")
    assert code == 1
    assert "read everything again, from 0" in output


def test_events_are_relayed_and_the_listing_says_how_far(
    workspace: Path, receiver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(workspace, receiver)
    monkeypatch.setenv("PLUMBLINE_HOOK", SECRET)
    code, output = run("relay", workspace, "--dry-run", "--json")
    assert (code, json.loads(output)["targets"][0]["waiting"]) == (0, 2)
    code, output = run("relay", workspace)
    assert (code, output.strip()) == (0, "cms: 2 delivered, 0 waiting")
    assert run("relay", workspace)[1].strip() == "cms: 0 delivered, 0 waiting"
    deliveries = json.loads(run("events", workspace, "--json")[1])["deliveries"]
    assert [(d["target"], d["seq"], d["waiting"]) for d in deliveries] == [("cms", 2, 0)]


def test_a_private_address_is_an_answer_of_no(workspace: Path, receiver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(workspace, receiver.replace("http:", "https:"), allowed="")
    monkeypatch.setenv("PLUMBLINE_HOOK", SECRET)
    for arguments in (("--dry-run",), ()):
        code, output = run("relay", workspace, *arguments)
        assert code == 1
        assert "127.0.0.1, which is not on the public internet" in output
        assert "allow_hosts" in output


def test_what_is_not_configured_is_named(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, output = run("relay", workspace)
    assert (code, "names no target under events" in output) == (2, True)
    code, output = run("relay", workspace, "--follow", "--dry-run")
    assert (code, "use one of" in output) == (2, True)
    configure(workspace, "https://hooks.example/in", allowed="")
    monkeypatch.delenv("PLUMBLINE_HOOK", raising=False)
    code, output = run("relay", workspace)
    assert (code, "PLUMBLINE_HOOK: the secret of the webhook is not set" in output) == (2, True)
    monkeypatch.delenv("PLUMBLINE_POSTGRES_DSN", raising=False)
    (workspace / "plumbline.yaml").write_text("events: {store: postgres}\n")
    code, output = run("events", workspace)
    assert (code, "PLUMBLINE_POSTGRES_DSN is not set" in output) == (2, True)


def test_a_damaged_store_is_a_sentence_and_no_listing(workspace: Path) -> None:
    for name in ("events.db-wal", "events.db-shm"):
        (workspace / "memory" / "my-company" / name).unlink(missing_ok=True)
    (workspace / "memory" / "my-company" / "events.db").write_bytes(b"no database" * 500)
    code, output = run("events", workspace)
    assert code == 3
    assert "memory/my-company/events.db: is damaged or no database" in output
