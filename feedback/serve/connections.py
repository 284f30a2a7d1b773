"""Connections that ask nothing, ask slowly or never take their answer: timed out, and the first to go when many come.

A server has a fixed number of descriptors. Whoever opens connections and sends nothing could hold all of them; here
such a connection ends after seconds, and at once when a newer one needs its place.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

FIRST_REQUEST_SECONDS = 10.0
ANSWER_SECONDS = 30.0
IDLE_SECONDS = 15.0
MOST_CONNECTIONS = 512
# asyncio accepts this many at once before any of them is counted, so it must stay far below the descriptors left.
BACKLOG = 128
LONGEST_REQUEST_HEAD = 64 * 1024


def most_connections() -> int:
    """How many connections one process keeps: at most half of the descriptors that it may open."""
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CONNECTIONS if soft == resource.RLIM_INFINITY else max(8, min(MOST_CONNECTIONS, soft // 2))


class Connections:
    """The open connections of this process, oldest first, apart by what they wait for."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._asking: OrderedDict[GuardedProtocol, None] = OrderedDict()
        self._idle: OrderedDict[GuardedProtocol, None] = OrderedDict()
        self._answered: OrderedDict[GuardedProtocol, None] = OrderedDict()

    def now_asking(self, connection: GuardedProtocol) -> None:
        """A new connection that has not sent a whole request; the longest waiting one goes if there are too many."""
        self._move(connection, self._asking)
        while len(self._asking) + len(self._idle) + len(self._answered) > self.most:
            oldest = next(iter(self._asking or self._idle or self._answered))
            self.gone(oldest)
            oldest.transport.abort()

    def now_answered(self, connection: GuardedProtocol) -> None:
        """A connection whose request is whole."""
        self._move(connection, self._answered)

    def now_idle(self, connection: GuardedProtocol) -> None:
        """A connection that was answered and may ask again."""
        self._move(connection, self._idle)

    def gone(self, connection: GuardedProtocol) -> None:
        """A connection that is closed."""
        for group in (self._asking, self._idle, self._answered):
            group.pop(connection, None)

    def _move(self, connection: GuardedProtocol, group: OrderedDict[GuardedProtocol, None]) -> None:
        self.gone(connection)
        group[connection] = None


_of_this_process: list[Connections] = []


def connections() -> Connections:
    """The one register of this process."""
    if not _of_this_process:
        _of_this_process.append(Connections(most_connections()))
    return _of_this_process[0]


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol with a deadline for each state of a connection."""

    _deadline: asyncio.TimerHandle | None = None
    _unfinished = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn narrows it so too
        """The first request must be whole within `FIRST_REQUEST_SECONDS`."""
        super().connection_made(transport)
        self._until(FIRST_REQUEST_SECONDS)
        connections().now_asking(self)

    def data_received(self, data: bytes) -> None:
        """A request line and headers beyond `LONGEST_REQUEST_HEAD` end the connection."""
        self._unfinished += len(data)
        if self._unfinished > LONGEST_REQUEST_HEAD:
            self.transport.abort()
            return
        super().data_received(data)

    def on_message_complete(self) -> None:
        """The answer must be taken within `ANSWER_SECONDS`."""
        self._unfinished = 0
        self._until(ANSWER_SECONDS)
        connections().now_answered(self)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """An idle connection ends after `IDLE_SECONDS`, also one that has not read its answer."""
        self._until(IDLE_SECONDS)
        connections().now_idle(self)
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection gives its place back."""
        if self._deadline is not None:
            self._deadline.cancel()
        connections().gone(self)
        super().connection_lost(exc)

    def _until(self, seconds: float) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(seconds, self.transport.abort)


def uvicorn_settings() -> dict[str, Any]:
    """The options of uvicorn that these limits need."""
    return {"http": GuardedProtocol, "ws": "none", "loop": "auto", "backlog": BACKLOG, "timeout_keep_alive": 10}
