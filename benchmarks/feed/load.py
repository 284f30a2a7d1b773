"""Requests at a fixed rate over a few connections that stay open; each is timed from the instant it was due.

A request that has to wait for an earlier one counts that wait, so a server that falls behind cannot hide it.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

LENGTH = re.compile(rb"content-length: *(\d+)", re.I)


@dataclass(frozen=True)
class Timing:
    """What a load saw: requests answered per second, latency quantiles in milliseconds, statuses, bytes per answer."""

    rate: float
    p50: float
    p99: float
    worst: float
    statuses: dict[int, int]
    mean_bytes: float


class _Connection(asyncio.Protocol):
    def __init__(self, answers: list[tuple[float, int, int]]) -> None:
        self._answers = answers
        self._due: deque[float] = deque()
        self._buffer = bytearray()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def ask(self, request: bytes, due: float) -> None:
        assert self.transport is not None
        self._due.append(due)
        self.transport.write(request)

    @property
    def waiting(self) -> int:
        return len(self._due)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            status = int(self._buffer[9:12])
            length = LENGTH.search(self._buffer, 0, end)
            size = end + 4 + (int(length[1]) if length and status != 304 else 0)
            if len(self._buffer) < size:
                return
            del self._buffer[:size]
            self._answers.append((time.perf_counter() - self._due.popleft(), status, size))


async def _load(port: int, requests: Sequence[bytes], rate: float, seconds: float, connections: int) -> Timing:
    loop = asyncio.get_running_loop()
    answers: list[tuple[float, int, int]] = []
    opened = [
        (await loop.create_connection(lambda: _Connection(answers), "127.0.0.1", port))[1] for _ in range(connections)
    ]
    for request in dict.fromkeys(requests[:64]):  # the first of each kind writes the page that the others are sent
        opened[0].ask(request, time.perf_counter())
    while opened[0].waiting:
        await asyncio.sleep(0.01)
    answers.clear()
    total, began = int(rate * seconds), time.perf_counter()
    for number in range(total):
        due = began + number / rate
        pause = due - time.perf_counter()
        if pause > 0:
            await asyncio.sleep(pause)
        elif number % 50 == 0:
            await asyncio.sleep(0)
        min(opened, key=lambda connection: connection.waiting).ask(requests[number % len(requests)], due)
    deadline = time.perf_counter() + 30
    while any(connection.waiting for connection in opened) and time.perf_counter() < deadline:
        await asyncio.sleep(0.005)
    ended = time.perf_counter()
    for connection in opened:
        if connection.transport is not None:
            connection.transport.close()
    return _timing(answers, ended - began, total)


def _timing(answers: list[tuple[float, int, int]], seconds: float, total: int) -> Timing:
    times = sorted(1000 * answer[0] for answer in answers)
    if len(times) < total:
        times += [float("inf")] * (total - len(times))
    statuses: dict[int, int] = {}
    for _, status, _ in answers:
        statuses[status] = statuses.get(status, 0) + 1
    size = sum(answer[2] for answer in answers) / max(1, len(answers))
    return Timing(
        len(answers) / seconds, times[len(times) // 2], times[int(len(times) * 0.99)], times[-1], statuses, size
    )


def load(port: int, requests: Sequence[bytes], *, rate: float, seconds: float, connections: int = 16) -> Timing:
    """Send `requests` in turn at `rate` per second for `seconds` over `connections`; returns what was seen."""
    return asyncio.run(_load(port, requests, rate, seconds, connections))


def get(path: str, etag: str | None = None) -> bytes:
    """The bytes of a GET request, with If-None-Match where `etag` is given."""
    held = f"If-None-Match: {etag}\r\n" if etag else ""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{held}\r\n".encode()
