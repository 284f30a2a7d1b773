"""A request to stop is known even where a library took the interruption for a failure of its own."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from dagster_project.workspace.stop_signals import stop_requests


def swallow(number: int) -> None:
    """Send a signal to this process and end the exception that it raises, as dbt does."""
    try:
        os.kill(os.getpid(), number)
        signal.sigtimedwait([], 0.2)
    except KeyboardInterrupt:
        pass


@pytest.fixture
def handled_signals():
    """Both signals as Dagster handles them during a step; a background job of a shell would ignore SIGINT."""
    before = {number: signal.signal(number, signal.default_int_handler) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_swallowed_interruption_is_still_a_request_to_stop(handled_signals, number) -> None:
    with stop_requests() as stopped:
        assert not stopped()
        swallow(number)
        assert stopped()
        assert stopped()  # it stays one


def test_the_signals_of_one_run_are_not_those_of_the_next(handled_signals) -> None:
    with stop_requests() as stopped:
        swallow(signal.SIGINT)
        assert stopped()
    with stop_requests() as stopped:
        assert not stopped()


def test_another_thread_is_never_asked_to_stop() -> None:
    answers = []

    def ask() -> None:
        with stop_requests() as stopped:
            answers.append(stopped())

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert answers == [False]
