"""Whether somebody asked this process to stop: what a signal said, even where a library swallowed the interruption."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

STOPS = frozenset({signal.SIGINT, signal.SIGTERM})


@contextmanager
def stop_requests() -> Iterator[Callable[[], bool]]:
    """A function that says whether SIGINT or SIGTERM has arrived since, without handling it.

    dbt takes an interruption for a failed command and returns, so the exception alone does not end a run. Python writes
    the number of every signal it handles to the wake-up socket as well. Outside the main thread, where signals do not
    arrive, the answer is always no.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    reader, writer = socket.socketpair()
    arrived: set[int] = set()

    def stopped() -> bool:
        try:
            while numbers := reader.recv(64):
                arrived.update(numbers)
        except BlockingIOError:
            pass  # nothing more has arrived
        return bool(arrived & STOPS)

    with reader, writer:
        reader.setblocking(False)
        writer.setblocking(False)
        before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        try:
            yield stopped
        finally:
            signal.set_wakeup_fd(before)
