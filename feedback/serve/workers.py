"""Several processes that accept on one socket; one that dies is replaced, and none outlives the one that started it."""

from __future__ import annotations

import os
import signal
import socket
import time
from types import FrameType

import uvicorn

# A worker that dies at once would be started as fast as the machine can.
RESTART_SECONDS = 1.0


class WorkerServer(uvicorn.Server):
    """uvicorn's server, which ends when the process that started it is gone."""

    parent = 0

    async def on_tick(self, counter: int) -> bool:
        """Whether to end; asked ten times a second."""
        return os.getppid() != self.parent or await super().on_tick(counter)


def run_workers(config: uvicorn.Config, listener: socket.socket, count: int) -> None:
    """Serve with `count` processes until this one gets SIGTERM or SIGINT; returns when all have ended."""
    alive: set[int] = set()
    ending = False

    def end(_signal: int, _frame: FrameType | None) -> None:
        nonlocal ending
        ending = True
        for worker in alive:
            os.kill(worker, signal.SIGTERM)

    def start() -> None:
        parent = os.getpid()
        worker = os.fork()
        if worker:
            alive.add(worker)
            return
        try:
            for name in (signal.SIGTERM, signal.SIGINT):
                signal.signal(name, signal.SIG_DFL)
            server = WorkerServer(config)
            server.parent = parent
            server.run(sockets=[listener])
        finally:
            os._exit(0)

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, end)
    for _ in range(count):
        start()
    while alive:
        worker, _ = os.wait()
        alive.discard(worker)
        if not ending:
            time.sleep(RESTART_SECONDS)
        if not ending:
            start()
