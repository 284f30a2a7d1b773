"""A memory of two brands, and the feed over a real socket."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn
from made_cards import NOW, cards, decision, of_brand
from served_feed import Listen
from starlette.types import ASGIApp

from feedback.memory import publish


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    states = [
        decision(),
        decision("headline.you", "provisional"),
        decision("headline.how", "watch", channels=("meta",)),
    ]
    publish(tmp_path, "acme", cards(*states), NOW)
    publish(tmp_path, "bolt", cards(run=of_brand("bolt")), NOW)
    return tmp_path


@pytest.fixture
def listen() -> Iterator[Listen]:
    running: list[tuple[uvicorn.Server, threading.Thread, httpx.Client]] = []

    def start(served: ASGIApp) -> httpx.Client:
        server = uvicorn.Server(uvicorn.Config(served, host="127.0.0.1", port=0, log_level="error"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        deadline = time.monotonic() + 10
        while not server.started:
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=5, trust_env=False)
        running.append((server, thread, client))
        return client

    yield start
    for server, thread, client in running:
        client.close()
        server.should_exit = True
        thread.join(timeout=5)
