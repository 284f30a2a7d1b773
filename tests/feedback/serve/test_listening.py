"""The server's processes: several answer alike, connections that ask nothing cannot keep others out, none is left."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from made_cards import cards

from feedback.memory import publish
from feedback.serve.connections import most_connections

DESCRIPTORS = 1024
HALF_OPEN = 1100


@contextlib.contextmanager
def server(memory: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A server process with 1,024 descriptors, and its port."""
    limit = (DESCRIPTORS, DESCRIPTORS)
    process = subprocess.Popen(
        [sys.executable, "-m", "feedback.serve", str(memory), "--brand", "acme", "--port", "0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limit),
    )
    try:
        assert process.stdout is not None
        told = re.search(r"http://127\.0\.0\.1:(\d+) ", process.stdout.readline())
        assert told, "the server did not start"
        yield process, int(told[1])
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=15)


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    now = datetime.now(UTC)
    publish(tmp_path, "acme", cards(), now)
    return tmp_path


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard != resource.RLIM_INFINITY else 8192, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_descriptors")
def test_connections_that_ask_nothing_do_not_keep_others_out(fresh: Path) -> None:
    with server(fresh) as (_, port), contextlib.ExitStack() as held:
        for at in range(HALF_OPEN):
            half_open = held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
            half_open.sendall(b"GET /v1/pat" if at % 2 else b"")
        began = time.monotonic()
        for _ in range(20):
            answer = httpx.get(f"http://127.0.0.1:{port}/v1/health", timeout=5, trust_env=False)
            assert answer.status_code == 200
        # A connection that had to wait for asyncio to accept again would take a second each.
        assert time.monotonic() - began < 10


def test_workers_answer_alike_and_none_outlives_its_parent(fresh: Path) -> None:
    with server(fresh, "--workers", "2") as (process, port):
        tags = {
            httpx.get(f"http://127.0.0.1:{port}/v1/patterns", timeout=5, trust_env=False).headers["etag"]
            for _ in range(12)
        }
        assert len(tags) == 1
        listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert len(listed) == 2
        os.kill(int(listed[0]), signal.SIGKILL)  # a worker that dies is replaced
        deadline = time.monotonic() + 15
        while True:
            now = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            if len(now) == 2 and listed[0] not in now:
                break
            assert time.monotonic() < deadline, "no worker took the place of the one that died"
            time.sleep(0.05)
        process.kill()
        process.wait()
        while any(Path(f"/proc/{worker}").exists() for worker in now):
            assert time.monotonic() < deadline, "a worker outlived its parent"
            time.sleep(0.05)


def test_a_process_keeps_half_of_its_descriptors_for_itself() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(600, soft), hard))
        assert most_connections() == min(600, soft) // 2
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert 8 <= most_connections() <= 512


def test_a_port_in_use_is_a_sentence(fresh: Path) -> None:
    with server(fresh) as (_, port):
        command = [sys.executable, "-m", "feedback.serve", str(fresh), "--port", str(port)]
        refused = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert refused.returncode == 3
    assert f"127.0.0.1:{port} cannot be used: Address already in use" in refused.stderr
    assert "Traceback" not in refused.stderr
